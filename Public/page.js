/**
 * The page: the red button and the live feed of one topic, or of all. `/{topic}` is a topic's page, `/` that of `alien-landings`.
 * `?transport=sse` (or `websocket`) in the address keeps to one transport.
 */
import { Crier, servedBy } from "/crier.js";
import { Bell } from "/page/bell.js";
import { Dateline } from "/page/dateline.js";
import { Feed } from "/page/feed.js";
import { notifications } from "/page/notifications.js";
import { RedButton } from "/page/red-button.js";
import { session } from "/page/session.js";
import { settings, token } from "/page/settings.js";
import { Toasts } from "/page/toasts.js";
import { isTopic, topicOf } from "/page/topic.js";
import { Wire } from "/page/wire.js";

/** How much of the past a page shows when it opens. */
const HISTORY = "1h";

const at = (id) => document.getElementById(id);
const asked = new URLSearchParams(location.search).get("transport");
const crier = new Crier({
  transport: ["sse", "websocket"].includes(asked) ? asked : "auto",
  token: token.read(),
  affinity: servedBy(document),
});

const bell = new Bell();
const button = new RedButton({ bezel: at("bezel"), outcome: at("outcome") });
const toasts = new Toasts({ polite: at("toasts-polite"), urgent: at("toasts-urgent") });
const wire = new Wire(crier, {
  state: at("state"),
  word: at("state-word"),
  note: at("state-note"),
  region: at("region"),
  vm: at("vm"),
  transport: at("transport"),
  announcer: at("announcer"),
});
const feed = new Feed(at("feed"), {
  serverTime: () => crier.serverTime,
  changed: (count) => {
    at("quiet").hidden = count > 0;
    at("count").textContent = count === 0 ? "" : count === 1 ? "1 alert" : `${count} alerts`;
  },
});

// MARK: What to follow

let topic = topicOf(location.pathname);

function follow() {
  const wanted = at("all").checked ? "*" : topic;
  const left = crier.topics.filter((each) => each !== wanted);
  crier.subscribe(wanted, { since: HISTORY });
  // After the new subscription, so that nothing is missed between the two.
  if (left.length > 0) crier.unsubscribe(left);
  feed.show(wanted);
  at("following").textContent = wanted === "*" ? "all topics" : topic;
  at("example").textContent = `curl -d "Alien landing!" ${location.origin}/${topic}`;
  tellTitle();
}

at("topic").value = topic;
at("topic").addEventListener("input", () => {
  const valid = isTopic(at("topic").value.trim());
  at("topic").setAttribute("aria-invalid", String(!valid));
  if (valid) at("topic-hint").hidden = true;
});
at("topic").addEventListener("change", () => changeTopic());

/** Takes over what the field says. Returns whether it is a topic. */
function changeTopic() {
  const name = at("topic").value.trim();
  const valid = isTopic(name);
  at("topic-hint").hidden = valid;
  if (!valid || name === topic) return valid;
  topic = name;
  history.replaceState(null, "", `/${topic}${location.search}`);
  follow();
  return true;
}

// MARK: What arrives

/** The server's time when this page began to listen: what is older is history, and its latency says nothing. */
let listeningSince = Infinity;
let unseen = 0;

crier.addEventListener("open", () => {
  listeningSince = Math.min(listeningSince, crier.serverTime);
  wire.tick();
});
crier.addEventListener("state", () => wire.tick());
crier.addEventListener("alert", ({ detail: alert }) => {
  const fresh = alert.time_ms >= listeningSince;
  feed.add(alert, fresh ? crier.latency(alert) : undefined);
  if (!fresh) return;
  toasts.add(alert);
  if (at("sound").checked) bell.ring(alert.priority);
  if (at("notify").checked) notifications.show(alert);
  if (document.hidden) unseen += 1;
  tellTitle();
});
crier.addEventListener("reset", ({ detail }) => {
  at("announcer").textContent = `Some alerts are gone (${detail.reason}); the feed goes on from here.`;
});
crier.addEventListener("error", ({ detail }) => {
  if (detail.http === 401) askForToken();
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) unseen = 0;
  tellTitle();
});

function tellTitle() {
  document.title = `${unseen > 0 ? `(${unseen}) ` : ""}${at("all").checked ? "All topics" : topic} – Crier`;
}

// MARK: The button

at("message").addEventListener("input", tellButton);

function tellButton() {
  at("raise-text").textContent = at("message").value.trim() || "Alert!";
}

at("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (at("sound").checked) bell.wake();
  if (!changeTopic()) {
    button.decline("That is not a topic's name.");
    at("topic").focus();
    return;
  }
  const fields = {};
  const title = at("title").value.trim();
  const priority = Number(at("priority").value);
  if (title) fields.title = title;
  if (priority !== 3) fields.priority = priority;
  const message = at("message").value.trim() || "Alert!";
  const error = await button.follow(raise(message, fields), crier.state === "live" || crier.state === "stale");
  if (error?.http === 401) askForToken();
});

async function raise(message, fields) {
  const given = at("token").value;
  if (given && given !== token.read()) {
    await crier.authenticate(given);
    token.write(given);
  }
  return crier.publish(topic, message, fields);
}

function askForToken() {
  at("token-field").hidden = false;
  at("token").focus();
}

// MARK: Switches

for (const name of ["all", "sound", "notify"]) at(name).checked = settings.read(name);
if (!notifications.allowed) at("notify").checked = false;

at("all").addEventListener("change", ({ target }) => {
  settings.write("all", target.checked);
  follow();
});
at("sound").addEventListener("change", ({ target }) => {
  settings.write("sound", target.checked);
  if (target.checked) bell.wake();
});
at("notify").addEventListener("change", async ({ target }) => {
  const refusal = target.checked ? await notifications.ask() : undefined;
  if (refusal !== undefined) target.checked = false;
  at("notify-hint").textContent = refusal ?? "";
  at("notify-hint").hidden = refusal === undefined;
  settings.write("notify", target.checked);
});
// A bell that was switched on in an earlier visit waits for the first touch.
addEventListener("pointerdown", () => at("sound").checked && bell.wake(), { once: true });

// MARK: Who is signed in

const dateline = new Dateline({ date: at("date"), whoami: at("whoami"), user: at("user") });
session.read().then(
  ({ user }) => dateline.show(user),
  // Nobody needs a name to raise an alert.
  () => {},
);

// MARK: Time

setInterval(() => {
  feed.tick();
  wire.tick();
}, 1000);

tellButton();
follow();
wire.tick();
