import assert from "node:assert/strict";
import { test } from "node:test";
import { CrierError } from "../../Public/crier/errors.js";
import { freshness } from "../../Public/page/lobby/picture.js";
import { rollOf } from "../../Public/page/lobby/roll.js";
import { credentialsOf, fieldsOf, refusal, wayNamed } from "../../Public/page/login/ways.js";
import { Poll } from "../../Public/page/poll.js";
import { regionOf } from "../../Public/page/region.js";
import { RoundTrips } from "../../Public/page/round-trips.js";
import { LOBBY, loginAddress, nextOf } from "../../Public/page/way.js";
import { VirtualClock, settle } from "./world.js";

const surroundings = (clock) => ({
  setTimeout: clock.setTimeout,
  clearTimeout: clock.clearTimeout,
  now: () => clock.time,
  performanceNow: () => clock.time,
  random: () => 0.5,
  document: Object.assign(new EventTarget(), { visibilityState: "visible" }),
});

function look(document, visible) {
  document.visibilityState = visible ? "visible" : "hidden";
  document.dispatchEvent(new Event("visibilitychange"));
}

test("regions have their cities, unknown ones their codes", () => {
  assert.deepEqual(regionOf("ams"), { code: "ams", city: "Amsterdam", flag: "nl" });
  assert.equal(regionOf("local").city, "This machine");
  assert.equal(regionOf("xyz").city, "xyz");
});

test("the roll: VMs by region, the own region first, the others by city, with the people of their rooms", () => {
  const roll = rollOf({
    vm: "s2",
    vms: [
      { id: "s2", region: "syd", sockets: 3, lag: 0, age: 5 },
      { id: "a1", region: "arn", sockets: 1, lag: 4, age: 5 },
      { id: "m1", region: "ams", sockets: 2, lag: 0, age: 5 },
      { id: "s1", region: "syd", sockets: 4, lag: 0, age: 5 },
    ],
    rooms: [
      { room: "syd", people: 2, vms: 2 },
      { room: "vm-s1", people: 1, vms: 1 },
    ],
  });
  assert.deepEqual(roll.regions.map(({ code }) => code), ["syd", "ams", "arn"]);
  assert.deepEqual(roll.regions[0].vms.map(({ id, own, people }) => [id, own, people]), [["s1", false, 1], ["s2", true, 0]]);
  assert.deepEqual([roll.regions[0].people, roll.regions[1].people], [2, 0]);
  assert.deepEqual([roll.vms, roll.readers, roll.people], [4, 10, 3]);
});

test("a picture that does not come any more is called old", () => {
  assert.equal(freshness({ answeredAt: undefined, failing: false }, 0).state, "connecting");
  assert.equal(freshness({ answeredAt: 1000, failing: false }, 3000).state, "live");
  assert.equal(freshness({ answeredAt: 1000, failing: true }, 3000).state, "stale");
  assert.deepEqual(freshness({ answeredAt: 0, failing: false }, 14_000), { state: "stale", note: "this picture is 14 s old" });
});

/** A poll whose questions the test answers. */
function polling(clock, every = 2000) {
  const env = surroundings(clock);
  const asked = [];
  const answers = [];
  const failures = [];
  const poll = new Poll(
    {
      every,
      ask: (signal) =>
        new Promise((resolve, reject) => {
          signal.addEventListener("abort", () => reject(new Error("aborted")));
          asked.push({ at: clock.time, signal, resolve, reject });
        }),
      answered: (answer) => answers.push(answer),
      failed: (error) => failures.push(error),
    },
    env,
  );
  return { poll, env, asked, answers, failures };
}

test("a poll asks, and asks again so long after the answer", async () => {
  const clock = new VirtualClock();
  const { poll, asked, answers } = polling(clock);
  const start = clock.time;
  poll.start();
  poll.start();
  await clock.advance(700);
  assert.equal(asked.length, 1);
  asked[0].resolve("one");
  await clock.advance(1999);
  assert.equal(asked.length, 1);
  await clock.advance(1);
  assert.deepEqual(asked.map(({ at }) => at - start), [0, 2700]);
  assert.deepEqual(answers, ["one"]);
  assert.equal(poll.answeredAt, start + 700);
});

test("a poll that fails waits longer and longer, and not after it succeeds", async () => {
  const clock = new VirtualClock();
  const { poll, asked, failures } = polling(clock);
  poll.start();
  const waits = [];
  for (let failure = 0; failure < 6; failure += 1) {
    const before = clock.time;
    asked.at(-1).reject(new Error("no"));
    while (asked.length === failure + 1) await clock.advance(500);
    waits.push(asked.at(-1).at - before);
    assert.equal(poll.failing, true);
  }
  assert.deepEqual(waits, [3000, 4000, 6000, 10_000, 17_000, 17_000]);
  assert.equal(failures.length, 6);
  asked.at(-1).resolve("there");
  await clock.advance(2000);
  assert.equal(asked.length, 8);
  assert.equal(poll.failing, false);
});

test("a question that nobody answers is given up", async () => {
  const clock = new VirtualClock();
  const { poll, failures } = polling(clock);
  poll.start();
  await clock.advance(7999);
  assert.equal(failures.length, 0);
  await clock.advance(1);
  assert.equal(failures.length, 1);
});

test("a page that nobody looks at asks nothing, and asks at once when it is looked at again", async () => {
  const clock = new VirtualClock();
  const { poll, env, asked, answers } = polling(clock);
  poll.start();
  await settle();
  look(env.document, false);
  assert.equal(asked[0].signal.aborted, true);
  asked[0].resolve("too late");
  await clock.advance(60_000);
  assert.equal(asked.length, 1);
  assert.deepEqual(answers, []);
  look(env.document, true);
  await settle();
  assert.equal(asked.length, 2);
  poll.stop();
  asked[1].resolve("stopped");
  await clock.advance(60_000);
  assert.equal(asked.length, 2);
  assert.deepEqual(answers, []);
});

/** Round trips to VMs that take so many milliseconds; `away` ones are answered by somebody else. */
function measuring(clock, times, away = []) {
  const env = surroundings(clock);
  const asked = [];
  const trips = new RoundTrips(
    {
      ping: (vm) =>
        new Promise((resolve) => {
          asked.push({ vm, at: clock.time });
          clock.setTimeout(() => resolve(away.includes(vm) ? "other" : vm), times[vm].shift() ?? 10);
        }),
      changed: () => {},
    },
    env,
  );
  return { trips, env, asked };
}

test("a round trip is the median of the last three", async () => {
  const clock = new VirtualClock();
  const { trips } = measuring(clock, { a: [900, 40, 60, 50, 50] });
  assert.equal(trips.of("a"), undefined);
  trips.watch(["a"]);
  await clock.advance(1500);
  assert.equal(trips.of("a"), 60);
  await clock.advance(10_000);
  assert.equal(trips.of("a"), 50);
});

test("only the answer of the VM that was asked for counts", async () => {
  const clock = new VirtualClock();
  const { trips, asked } = measuring(clock, { a: [], b: [] }, ["b"]);
  trips.watch(["a", "b"]);
  await clock.advance(60_000);
  assert.equal(trips.of("a"), 10);
  assert.equal(trips.of("b"), undefined);
  assert.ok(asked.length < 60, `${asked.length} questions`);
});

test("each VM is asked three times in ten seconds, one question after the other", async () => {
  const clock = new VirtualClock();
  const { trips, asked } = measuring(clock, { a: [], b: [], c: [] });
  trips.watch(["a", "b", "c"]);
  await clock.advance(20_000);
  const before = asked.length;
  await clock.advance(30_000);
  const each = ["a", "b", "c"].map((name) => asked.slice(before).filter(({ vm }) => vm === name).length);
  assert.ok(asked.length - before <= 27 && asked.length - before >= 24, `${asked.length - before}`);
  for (const count of each) assert.ok(count >= 8, `${count}`);
  asked.slice(1).forEach(({ at }, index) => assert.ok(at - asked[index].at >= 150));
});

test("what is not watched any more is forgotten, and a hidden page measures nothing", async () => {
  const clock = new VirtualClock();
  const { trips, env, asked } = measuring(clock, { a: [], b: [] });
  trips.watch(["a", "b"]);
  await clock.advance(3000);
  trips.watch(["b"]);
  assert.equal(trips.of("a"), undefined);
  assert.equal(trips.of("b"), 10);
  look(env.document, false);
  const before = asked.length;
  await clock.advance(60_000);
  assert.ok(asked.length <= before + 1);
  look(env.document, true);
  await clock.advance(1000);
  assert.ok(asked.length > before);
});

test("after signing in one goes where one wanted to, and never to another site", () => {
  const origin = "https://crier.example";
  assert.equal(loginAddress("/rooms/ams"), "/login?next=%2Frooms%2Fams");
  assert.equal(nextOf("?next=%2Frooms%2Fams", origin), "/rooms/ams");
  assert.equal(nextOf("?next=/rooms/ams?transport=sse", origin), "/rooms/ams?transport=sse");
  assert.equal(nextOf("", origin), LOBBY);
  const elsewhere = ["https://evil.example/", "//evil.example/", "/\\evil.example/", "\\\\evil.example", "/\t/evil.example"];
  for (const next of [...elsewhere, "javascript:alert(1)", "rooms/ams", ""]) assert.equal(nextOf(`?next=${encodeURIComponent(next)}`, origin), LOBBY, next);
});

test("each way of signing in has its fields, and unknown ways are no ways", () => {
  assert.deepEqual([fieldsOf("name"), fieldsOf("password"), fieldsOf("token")], [["name"], ["name", "password"], ["token"]]);
  for (const method of ["carrier-pigeon", "constructor", undefined]) {
    assert.equal(wayNamed(method), undefined);
    assert.deepEqual(fieldsOf(method), []);
  }
});

test("what is missing or wrong is told before the server is asked", () => {
  const given = { name: " ada ", password: " p ", token: " t\n" };
  assert.deepEqual(credentialsOf("name", given).credentials, { name: "ada" });
  assert.deepEqual(credentialsOf("password", given).credentials, { name: "ada", password: " p " });
  assert.deepEqual(credentialsOf("token", given).credentials, { token: "t" });
  assert.equal(credentialsOf("name", { ...given, name: "  " }).missing, "name");
  assert.equal(credentialsOf("name", { ...given, name: "x".repeat(33) }).missing, "name");
  assert.equal(credentialsOf("name", { ...given, name: "<b>" }).missing, "name");
  assert.equal(credentialsOf("password", { ...given, password: "" }).missing, "password");
  assert.equal(credentialsOf("token", { ...given, token: " " }).missing, "token");
  assert.deepEqual(credentialsOf("name", { ...given, name: "Zoë O'Neil-2_b." }).credentials, { name: "Zoë O'Neil-2_b." });
});

test("why one was not let in is told in words", () => {
  assert.match(refusal(new CrierError(40102, "x", { http: 401 }), "password"), /do not go together/);
  assert.match(refusal(new CrierError(40102, "the token has expired", { http: 401 }), "token"), /the token has expired/);
  assert.match(refusal(new CrierError(42901, "x", { http: 429, retryAfter: 12 }), "name"), /12 s/);
  assert.match(refusal(new CrierError("network", "x"), "name"), /could not be reached/);
});
