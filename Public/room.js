/** A room: what is said in it, who is there, and saying something. Which room, the path tells. */
import { Crier, servedBy } from "/crier.js";
import { environment } from "/crier/environment.js";
import { randomKey } from "/crier/key.js";
import { Dateline } from "/page/dateline.js";
import { flagElement } from "/page/flag.js";
import { askJSON } from "/page/http.js";
import { Poll } from "/page/poll.js";
import { regionOf } from "/page/region.js";
import { Composer } from "/page/room/composer.js";
import { Conversation } from "/page/room/conversation.js";
import { ConversationView } from "/page/room/conversation-view.js";
import { PeopleView } from "/page/room/people-view.js";
import { placeOf } from "/page/room/place.js";
import { Presence } from "/page/room/presence.js";
import { mayBeRaised, names, refusal } from "/page/room/words.js";
import { Unsent } from "/page/room/unsent.js";
import { session } from "/page/session.js";
import { LOBBY, loginAddress } from "/page/way.js";
import { Wire } from "/page/wire.js";

/** Milliseconds between two looks at whether the session still stands, while the room cannot be reached. */
const DOUBT = 5000;

const at = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const place = placeOf(location.pathname) ?? (await leave(LOBBY));
const region = regionOf(place.region ?? servedBy(document).region ?? "local");
const title = place.vm ? `VM ${place.vm}` : region.city;

at("room-name").textContent = title;
at("room-note").textContent = place.vm ? `the room of one VM, in ${region.city}` : `the room of ${region.code}`;
at("room-flag").replaceWith(flagElement(region));
document.title = `${title} – Crier`;

const { user } = await whoIsHere();
if (user === null) await leave(loginAddress(location.pathname + location.search));
const me = user.name;
const dateline = new Dateline({ date: at("date"), whoami: at("whoami"), user: at("user") });
dateline.show(user);

/** Goes to another page. What follows in this script is not run any more. */
function leave(address) {
  location.replace(address);
  return new Promise(() => {});
}

/** Asks until the server answers. */
async function whoIsHere() {
  for (let wait = 1000; ; wait = Math.min(wait * 2, 30_000)) {
    try {
      return await session.read();
    } catch {
      at("state-note").textContent = "the server does not answer";
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

// MARK: The connection

const served = servedBy(document);
const asked = query.get("transport");
const crier = new Crier({
  transport: ["sse", "websocket"].includes(asked) ? asked : "auto",
  path: `${place.path}/ws`,
  // The path leads to the room. Which of the room's VMs is said only where the page itself came from one of them.
  affinity: served.vm === place.vm || served.region === place.region ? { vm: served.vm } : undefined,
});
const wire = new Wire(crier, {
  state: at("state"),
  word: at("state-word"),
  note: at("state-note"),
  region: at("region"),
  vm: at("vm"),
  transport: at("transport"),
  announcer: at("announcer"),
});

let leaving = false;

/** The session is over: whoever comes back as the same person finds the draft again. */
function signedOut() {
  if (leaving) return;
  leaving = true;
  keep();
  leave(loginAddress(location.pathname + location.search, "signed-out"));
}

crier.addEventListener("error", ({ detail }) => {
  if (detail.code === "signed-out" || detail.http === 401) signedOut();
});
crier.addEventListener("open", () => wire.tick());
crier.addEventListener("state", () => {
  wire.tick();
  pollWhereNeeded();
});

/** A handshake that is refused for want of a session looks like any other failure, so it has to be asked for. */
let doubtedAt = 0;

async function doubt() {
  if (crier.state === "live" || crier.state === "offline" || Date.now() - doubtedAt < DOUBT) return;
  doubtedAt = Date.now();
  try {
    if ((await session.read()).user === null) signedOut();
  } catch {
    // The state says already that the server is away.
  }
}

// MARK: What is said

const conversation = new Conversation({ me });
const view = new ConversationView({ log: at("log"), list: at("talk"), newer: at("newer"), quiet: at("quiet") }, { conversation, retry });
const unsent = new Unsent({ storage: () => sessionStorage, room: place.room, user: me });
const composer = new Composer(
  { form: at("composer"), text: at("text"), hint: at("text-hint"), announcer: at("announcer") },
  { send: say, changed: keep },
);

function say(text) {
  const message = conversation.send(randomKey((bytes) => crypto.getRandomValues(bytes)), text, crier.serverTime);
  view.toEnd();
  publish(message);
}

async function publish(message) {
  keep();
  view.show();
  try {
    const { id } = await crier.publish(place.topic, message.text, { key: message.key });
    conversation.acknowledged(message, id);
  } catch (error) {
    conversation.failed(message, refusal(error), mayBeRaised(error));
    if (error.http === 401) signedOut();
    else at("announcer").textContent = message.reason ?? "";
  }
  keep();
  view.show();
}

function retry(message) {
  conversation.retried(message);
  composer.focus();
  publish(message);
}

/** Keeps what was written and not confirmed, until it is. */
function keep() {
  if (!leavingForGood) unsent.write(composer.text, conversation.unsent);
}

let unread = 0;

crier.addEventListener("alert", ({ detail: alert }) => {
  if (alert.topic !== place.topic) return;
  const fresh = conversation.arrived(alert);
  const news = fresh && alert.sender !== me && alert.time_ms >= enteredAt;
  if (news && document.hidden) unread += 1;
  view.show(news ? 1 : 0);
  keep();
  tellTitle();
});
crier.addEventListener("reset", () => {
  conversation.reset();
  conversation.tell("Some messages are gone. The room goes on from here.", crier.serverTime);
  view.show();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) unread = 0;
  tellTitle();
});

function tellTitle() {
  document.title = `${unread > 0 ? `(${unread}) ` : ""}${title} – Crier`;
}

// MARK: Who is here

const presence = new Presence();
const people = new PeopleView({ list: at("people"), count: at("people-count"), me });
const peoplePoll = new Poll(
  {
    every: 5000,
    ask: (signal) => askJSON(place.people, { signal }),
    answered: ({ people: list }) => heardPeople(list),
    failed: ({ http }) => http === 401 && signedOut(),
  },
  environment(),
);

crier.addEventListener("presence", ({ detail }) => detail.topic === place.topic && heardPeople(detail.people));

function heardPeople(list) {
  tellPeople(presence.heard(list, Date.now()), "came in");
  people.show(presence.people);
}

function tellPeople(who, what) {
  const others = who.filter((name) => name !== me);
  if (others.length === 0) return;
  conversation.tell(`${names(others)} ${what}`, crier.serverTime);
  view.show();
}

/** An event stream tells nothing of people. */
function pollWhereNeeded() {
  if (crier.transport === "sse" && crier.state === "live") peoplePoll.start();
  else peoplePoll.stop();
}

// MARK: Leaving

let leavingForGood = false;

at("sign-out").addEventListener("click", async () => {
  leaving = true;
  try {
    await session.signOut();
    leavingForGood = true;
    unsent.forget();
    leave(LOBBY);
  } catch (error) {
    leaving = false;
    at("announcer").textContent = `Not signed out: ${error.message}.`;
    at("sign-out-note").textContent = "Not signed out. Try again.";
    at("sign-out-note").hidden = false;
  }
});

// MARK: The beginning

const kept = unsent.read();
for (const { key, text, time } of kept.messages) {
  conversation.failed(conversation.send(key, text, time), "This page was left before it was confirmed.", true);
}
composer.text = kept.draft;
const enteredAt = crier.serverTime;
crier
  .subscribe(place.topic, { since: "latest:20" })
  .catch(() => {})
  // What a screen reader hears begins after the history.
  .then(() => setTimeout(() => at("log").setAttribute("aria-busy", "false"), 500));
wire.tick();
pollWhereNeeded();
view.show();
// On a screen that is touched this would bring up its keyboard.
if (matchMedia("(pointer: fine)").matches) composer.focus();
setInterval(() => {
  wire.tick();
  const gone = presence.left(Date.now());
  if (gone.length > 0) {
    tellPeople(gone, "left");
    people.show(presence.people);
  }
  doubt();
}, 1000);
