/** The lobby: which regions and VMs there are, how far away they are from this browser, who is where, and the ways in. */
import { environment } from "/crier/environment.js";
import { servedBy } from "/crier.js";
import { Dateline } from "/page/dateline.js";
import { askJSON } from "/page/http.js";
import { freshness } from "/page/lobby/picture.js";
import { RegionsView } from "/page/lobby/regions-view.js";
import { rollOf } from "/page/lobby/roll.js";
import { Poll } from "/page/poll.js";
import { RoundTrips } from "/page/round-trips.js";
import { session } from "/page/session.js";
import { counted } from "/page/words.js";

const at = (id) => document.getElementById(id);
const surroundings = { ...environment(), performanceNow: () => performance.now() };
const dateline = new Dateline({ date: at("date"), whoami: at("whoami"), user: at("user"), signIn: at("sign-in") });

// MARK: The picture

let roll;
const roundTrips = new RoundTrips({ ping, changed: show }, surroundings);
const view = new RegionsView(at("regions"), (vm) => roundTrips.of(vm));
const poll = new Poll({ every: 2000, ask: (signal) => askJSON("/v1/lobby", { signal }), answered, failed: tellFreshness }, surroundings);

function answered(answer) {
  roll = rollOf(answer);
  const own = answer.vms.filter(({ id }) => id === answer.vm);
  // Without affinity every question ends at the VM that serves this page, so only its time can be measured.
  roundTrips.watch((answer.affinity ? answer.vms : own).map(({ id }) => id));
  at("region").textContent = answer.region;
  at("vm").textContent = `VM ${answer.vm.slice(0, 14)}`;
  show();
  tellFreshness();
}

function show() {
  if (roll === undefined) return;
  view.show(roll.regions);
  at("count").textContent = [
    counted(roll.vms, "VM", "VMs"),
    counted(roll.readers, "reader", "readers"),
    `${counted(roll.people, "person", "people")} in rooms`,
  ].join(", ");
  at("quiet").hidden = true;
}

/** Asks for a VM. Without the cookie: the answer must not make that VM this browser's own. */
async function ping(vm) {
  const query = new URLSearchParams({ fly_instance_id: vm });
  const answer = await fetch(`/v1/ping?${query}`, { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(5000) });
  return answer.ok ? answer.headers.get("Crier-VM") : null;
}

let spoken = "connecting";

function tellFreshness() {
  const { state, note } = freshness(poll, Date.now());
  at("state").dataset.state = state;
  at("state-word").textContent = state;
  at("state-note").textContent = note;
  at("regions").classList.toggle("old", state === "stale");
  if (state === spoken) return;
  spoken = state;
  at("announcer").textContent = state === "stale" ? "The server does not answer. This picture gets old." : "";
}

// MARK: Who is here

async function tellUser() {
  try {
    dateline.show((await session.read()).user);
  } catch {
    // The picture says already when the server does not answer.
  }
}

at("sign-out").addEventListener("click", async () => {
  try {
    await session.signOut();
    dateline.show(null);
    at("announcer").textContent = "Signed out.";
    at("sign-in").focus();
  } catch (error) {
    at("announcer").textContent = `Not signed out: ${error.message}.`;
    at("state-note").textContent = "not signed out: try again";
  }
});
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && tellUser());

const { vm, region } = servedBy(document);
if (region) at("region").textContent = region;
if (vm) at("vm").textContent = `VM ${vm.slice(0, 14)}`;
tellUser();
poll.start();
setInterval(tellFreshness, 1000);
