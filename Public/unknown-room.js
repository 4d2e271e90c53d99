/** A room that nobody serves: says so, and leads to those that there are. */
import { servedBy } from "/crier.js";
import { Dateline } from "/page/dateline.js";
import { element } from "/page/element.js";
import { flagElement } from "/page/flag.js";
import { askJSON } from "/page/http.js";
import { rollOf } from "/page/lobby/roll.js";
import { placeOf } from "/page/room/place.js";
import { session } from "/page/session.js";
import { counted } from "/page/words.js";

const at = (id) => document.getElementById(id);
const dateline = new Dateline({ date: at("date"), whoami: at("whoami"), user: at("user") });

const place = placeOf(location.pathname);
at("wanted").textContent = place?.vm ? `VM ${place.vm}` : (place?.region ?? "this address");

const { vm, region } = servedBy(document);
if (region) at("region").textContent = region;
if (vm) at("vm").textContent = `VM ${vm.slice(0, 14)}`;

try {
  const { regions } = rollOf(await askJSON("/v1/lobby"));
  at("rooms").replaceChildren(
    ...regions.map((each) => {
      const link = element("a", "room-link", each.city);
      link.href = `/rooms/${each.code}`;
      const people = each.people === 0 ? "nobody" : counted(each.people, "person", "people");
      return element("li", "room-entry", flagElement(each), link, element("span", "room-note", people));
    }),
  );
  at("rooms-heading").textContent = regions.length > 0 ? "Rooms that are open" : "No room is open";
} catch {
  at("rooms-heading").textContent = "The server does not tell which rooms are open";
}
try {
  dateline.show((await session.read()).user);
} catch {
  // Nobody needs a name to read this.
}
