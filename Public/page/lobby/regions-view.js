import { element } from "../element.js";
import { flagElement } from "../flag.js";
import { KeyedList } from "../keyed-list.js";
import { counted, latency, span } from "../words.js";

/** The regions, each with the way into its room and a table of its VMs. */
export class RegionsView {
  #list;

  /**
   * @param {Element} parent
   * @param {(vm: string) => number | undefined} roundTrip milliseconds
   */
  constructor(parent, roundTrip) {
    this.#list = new KeyedList(parent, { make: (region) => madeRegion(region, roundTrip), update: updateRegion });
  }

  /** @param {object[]} regions as `rollOf` gives them */
  show(regions) {
    this.#list.show(regions);
  }
}

function madeRegion(region, roundTrip) {
  const heading = element("h3", "region-name", region.city);
  heading.id = `region-${region.code}`;
  const people = element("p", "region-people");
  const body = element("tbody");
  const article = element(
    "article",
    "region",
    element(
      "header",
      "region-head",
      flagElement(region),
      element("div", "region-title", heading, people),
      enter("key", `/rooms/${region.code}`, `the room of ${region.city}`),
    ),
    element(
      "table",
      "vms",
      element("caption", "unseen", `VMs in ${region.city}`),
      element("thead", "", element("tr", "", head("VM"), head("Readers"), head("Lag"), head("Round trip"), element("td"))),
      body,
    ),
  );
  article.setAttribute("aria-labelledby", heading.id);
  article.crierParts = { people, vms: new KeyedList(body, { make: madeVM, update: (row, vm) => updateVM(row, vm, roundTrip(vm.id)) }) };
  return article;
}

function updateRegion(article, region) {
  const { people, vms } = article.crierParts;
  tell(people, `${region.code} · ${region.people === 0 ? "nobody in the room" : `${counted(region.people, "person", "people")} in the room`}`);
  vms.show(region.vms);
}

function madeVM(vm) {
  const name = element("th", "vm-name", element("span", "vm-id", vm.id), element("span", "vm-note"));
  name.scope = "row";
  const row = element(
    "tr",
    "vm",
    name,
    element("td", "number"),
    element("td", "number"),
    element("td", "number round-trip"),
    element("td", "vm-enter", enter("enter", `/rooms/vm/${encodeURIComponent(vm.id)}`, `the room of VM ${vm.id}`)),
  );
  row.dataset.vm = vm.id;
  return row;
}

function updateVM(row, vm, roundTrip) {
  const [name, readers, lag, trip] = row.children;
  row.classList.toggle("own", vm.own);
  // A note is broken between its parts only.
  const notes = [vm.own ? "serves you" : "", vm.people > 0 ? `${vm.people} in its room` : "", `up ${span(vm.age)}`].filter(Boolean);
  tell(name.lastElementChild, notes.map((note) => note.replaceAll(" ", "\u00a0")).join(" · "));
  tell(readers, vm.sockets.toLocaleString());
  tell(lag, vm.lag.toLocaleString());
  lag.classList.toggle("behind", vm.lag > 0);
  tell(trip, roundTrip === undefined ? "–" : latency(roundTrip));
  if (roundTrip === undefined) trip.setAttribute("aria-label", "not measured");
  else trip.removeAttribute("aria-label");
}

function enter(className, address, what) {
  const link = element("a", className, "Enter", element("span", "unseen", ` ${what}`));
  link.href = address;
  return link;
}

function head(text) {
  const cell = element("th", text === "VM" ? "" : "number", text);
  cell.scope = "col";
  return cell;
}

function tell(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
