/** Signing in, by the ways that this server takes, and on to where one wanted to go. */
import { servedBy } from "/crier.js";
import { Dateline } from "/page/dateline.js";
import { credentialsOf, fieldsOf, refusal, wayNamed } from "/page/login/ways.js";
import { regionOf } from "/page/region.js";
import { placeOf } from "/page/room/place.js";
import { session } from "/page/session.js";
import { nextOf } from "/page/way.js";

const at = (id) => document.getElementById(id);
const next = nextOf(location.search, location.origin);
const dateline = new Dateline({ date: at("date"), whoami: at("whoami"), user: at("user") });

// MARK: Where it leads

const place = placeOf(new URL(next, location.origin).pathname);
if (place !== undefined) at("where").textContent = `the room of ${place.vm ? `VM ${place.vm}` : regionOf(place.region).city}`;
at("onward").href = next;
at("signed-out").hidden = new URLSearchParams(location.search).get("why") !== "signed-out";

const { vm, region } = servedBy(document);
if (region) at("region").textContent = region;
if (vm) at("vm").textContent = `VM ${vm.slice(0, 14)}`;

// MARK: The ways in

let methods = [];
let way;

function offer(offered) {
  methods = offered.filter((method) => wayNamed(method) !== undefined);
  at("ways").hidden = methods.length < 2;
  for (const input of document.querySelectorAll("input[name=way]")) input.closest("label").hidden = !methods.includes(input.value);
  choose(methods.includes(way) ? way : methods[0]);
}

function choose(method) {
  way = method;
  const fields = fieldsOf(method);
  for (const name of ["name", "password", "token"]) {
    at(`${name}-field`).hidden = !fields.includes(name);
    at(name).disabled = !fields.includes(name);
  }
  const chosen = document.querySelector(`input[name=way][value="${method}"]`);
  if (chosen) chosen.checked = true;
  at("submit").disabled = method === undefined;
}

at("ways").addEventListener("change", ({ target }) => {
  choose(target.value);
  tell("");
});

function show({ user, methods: offered }) {
  dateline.show(user);
  at("already").hidden = user === null;
  at("already-user").textContent = user?.name ?? "";
  at("form").hidden = user !== null;
  at("login-heading").textContent = user === null ? "Sign in" : "Signed in";
  offer(offered);
}

/** Asks until the server answers: without its answer nobody knows which ways there are. */
async function begin(wait = 1000) {
  try {
    show(await session.read());
    tell("");
    const [first] = fieldsOf(way);
    if (!at("form").hidden && first) at(first).focus();
  } catch {
    tell("The server does not answer. Trying again…");
    setTimeout(() => begin(Math.min(wait * 2, 30_000)), wait);
  }
}

// MARK: Signing in and out

at("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { credentials, missing, says } = credentialsOf(way, { name: at("name").value, password: at("password").value, token: at("token").value });
  if (missing !== undefined) {
    mark(missing);
    tell(says);
    at(missing).focus();
    return;
  }
  mark(undefined);
  tell("Asking the server…");
  at("submit").disabled = true;
  try {
    await session.signIn(credentials);
    location.assign(next);
  } catch (error) {
    const [field] = error.http === 400 || error.http === 401 ? fieldsOf(way).slice(-1) : [];
    mark(field);
    tell(refusal(error, way));
    at("submit").disabled = false;
    if (field) at(field).focus();
  }
});

at("sign-out").addEventListener("click", async () => {
  try {
    await session.signOut();
    at("signed-out").hidden = true;
    await begin();
  } catch (error) {
    at("already-note").textContent = `Not signed out: ${error.message}.`;
  }
});

function mark(field) {
  for (const name of ["name", "password", "token"]) at(name).setAttribute("aria-invalid", String(name === field));
}

function tell(text) {
  at("outcome").textContent = text;
}

begin();
