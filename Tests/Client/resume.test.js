import assert from "node:assert/strict";
import { test } from "node:test";
import { World, id, settle } from "./world.js";

test("a subscription is sent after open, confirmed by its ack, and then the state is live", async () => {
  const world = new World();
  assert.equal(world.socket.url, "wss://crier.example/ws");
  const confirmed = world.crier.subscribe("a", { since: "10m" });
  assert.deepEqual(world.socket.sent, []);
  world.socket.open();
  const [operation] = world.socket.sent;
  assert.deepEqual({ ...operation, ref: "" }, { op: "subscribe", topics: ["a"], since: "10m", ref: "" });
  assert.equal(world.crier.state, "connecting");
  world.socket.ackAll({ topics: ["a"], id: id(50) });
  assert.deepEqual(await confirmed, { topics: ["a"], id: id(50) });
  assert.equal(world.crier.state, "live");
  assert.equal(world.crier.vm, "vm1");
  assert.equal(world.crier.region, "syd");
});

test("after a drop it waits with jitter, then asks for what follows the newest id", async () => {
  const world = new World();
  world.crier.subscribe(["a", "b"]);
  await world.open();
  world.socket.alert(101);
  world.socket.say({ event: "keepalive", id: id(150) });
  world.socket.drop();
  assert.equal(world.crier.state, "resuming");
  assert.equal(world.crier.nextAttemptAt, world.clock.time + 500);
  await world.advance(499);
  assert.equal(world.sockets.length, 1);
  await world.advance(1);
  assert.equal(world.sockets.length, 2);
  world.socket.open({ id: id(200) });
  const [{ topics, since }] = world.socket.ops("subscribe");
  assert.deepEqual({ topics, since }, { topics: ["a", "b"], since: id(150) }, "not the 200 of the new socket's open");
  assert.equal(world.crier.state, "resuming");
  world.socket.ackAll({ id: id(200) });
  assert.equal(world.crier.state, "live");
  assert.deepEqual(world.states, ["live", "resuming", "live"]);
});

test("a drop between open and the replay loses nothing", async () => {
  const world = new World();
  world.crier.subscribe("a");
  await world.open({ id: id(100) });
  world.socket.alert(110);
  world.socket.drop();
  await world.advance(1000);
  world.socket.open({ id: id(200) });
  world.socket.ackAll({ id: id(200) });
  world.socket.alert(111);
  world.socket.drop();
  await world.advance(2000);
  world.socket.open({ id: id(300) });
  assert.equal(world.socket.ops("subscribe")[0].since, id(111));
});

test("an alert that comes again after a resume is told once", async () => {
  const world = new World();
  world.crier.subscribe("a");
  await world.open();
  world.socket.alert(101);
  world.socket.alert(102);
  world.socket.drop();
  await world.advance(1000);
  await world.open();
  for (const offset of [101, 102, 103]) world.socket.alert(offset);
  assert.deepEqual(world.alerts, ["number 101", "number 102", "number 103"]);
});

test("an alert that the bus lost and got back under another id is told once", async () => {
  const world = new World();
  world.crier.subscribe("a");
  await world.open();
  world.socket.alert(101);
  world.socket.alert(105, { healed_from: id(101), message: "again" });
  world.socket.alert(106, { healed_from: id(102), message: "late" });
  world.socket.drop();
  await world.advance(1000);
  await world.open();
  world.socket.alert(106, { healed_from: id(102), message: "late" });
  assert.deepEqual(world.alerts, ["number 101", "late"]);
});

test("a topic whose replay was cut off goes on where the replay was", async () => {
  const world = new World();
  world.crier.subscribe("a");
  await world.open({ id: id(900) });
  world.socket.alert(901);
  world.crier.subscribe("b", { since: "all" });
  world.socket.ackAll({ id: id(901) });
  world.socket.alert(100, { topic: "b" });
  world.socket.drop();
  await world.advance(1000);
  world.socket.open({ id: id(950) });
  assert.deepEqual(
    world.socket.ops("subscribe").map(({ topics, since }) => ({ topics, since })),
    [
      { topics: ["a"], since: id(901) },
      { topics: ["b"], since: id(100) },
    ],
  );
});

test("a reset is told, and the feed goes on from its id even if that is smaller", async () => {
  const world = new World();
  world.crier.subscribe("a");
  await world.open();
  world.socket.alert(500, { id: id(500, "zzzzzz") });
  const reset = { event: "reset", reason: "epoch", since: id(500, "zzzzzz"), oldest: null, id: id(0, "000001"), time: 1 };
  world.socket.say(reset);
  world.socket.alert(1, { id: id(1, "000001") });
  assert.deepEqual(world.of("reset"), [reset]);
  assert.equal(world.alerts.length, 2);
  world.socket.drop();
  await world.advance(1000);
  world.socket.open();
  assert.equal(world.socket.ops("subscribe")[0].since, id(1, "000001"));
});

test("waits grow while the server is away, and no two sockets live at a time", async () => {
  const world = new World({ transport: "websocket" });
  world.chance = 1;
  const waits = [];
  for (let attempt = 0; attempt < 6; attempt += 1) {
    world.socket.drop();
    waits.push(world.crier.nextAttemptAt - world.clock.time);
    await world.advance(waits.at(-1));
    assert.equal(world.sockets.filter(({ readyState }) => readyState < 2).length, 1);
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 30_000]);
});

test("a stable minute starts the waits anew", async () => {
  const world = new World();
  world.chance = 1;
  world.socket.drop();
  await world.advance(1000);
  await world.open();
  await world.chatter(60_000);
  world.socket.drop();
  assert.equal(world.crier.nextAttemptAt - world.clock.time, 1000);
});

test("drain: it listens until the time has come, then resumes elsewhere without backing off", async () => {
  const world = new World();
  world.crier.subscribe("a");
  await world.open();
  world.socket.say({ event: "drain", time: 1, retry_ms: 2000 });
  assert.equal(world.of("drain")[0].retry_ms, 2000);
  world.socket.alert(101);
  await world.advance(2499);
  assert.equal(world.sockets.length, 1);
  await world.advance(1);
  assert.equal(world.sockets.length, 2);
  assert.equal(world.sockets[0].closedWith, 1000);
  await world.open();
  assert.deepEqual(world.socket.answered[0].since, id(101));
});

test("drain: a socket that the server closes first is replaced at the time that was asked for", async () => {
  const world = new World();
  await world.open();
  world.socket.say({ event: "drain", time: 1, retry_ms: 5000 });
  await world.advance(1000);
  world.socket.drop(1012);
  await world.advance(4499);
  assert.equal(world.sockets.length, 1);
  await world.advance(1);
  assert.equal(world.sockets.length, 2);
});

test("resumable close codes are no error", async () => {
  for (const code of [1001, 1006, 1012, 1013, 4008, 4012]) {
    const world = new World();
    await world.open();
    world.socket.drop(code);
    await world.advance(1000);
    assert.equal(world.sockets.length, 2, `${code}`);
    assert.deepEqual(world.of("error"), []);
  }
});

test("a throttled socket stays away longer", async () => {
  const world = new World();
  await world.open();
  world.socket.drop(4029);
  await world.advance(9999);
  assert.equal(world.sockets.length, 1);
  await world.advance(1000);
  assert.equal(world.sockets.length, 2);
});

test("a close for a fault is reported and comes back after a longer wait", async () => {
  const world = new World();
  await world.open();
  world.socket.drop(1008, "origin");
  const [error] = world.of("error");
  assert.equal(error.code, "connection-closed");
  assert.match(error.message, /policy.*1008.*origin/);
  assert.equal(world.crier.nextAttemptAt - world.clock.time, 4000);
});

test("a refused subscription rejects, is reported and is not repeated", async () => {
  const world = new World();
  const refused = world.crier.subscribe("not a topic");
  world.socket.open();
  const { ref } = world.socket.sent[0];
  world.socket.say({ event: "error", ref, code: 40002, http: 400, error: "not a topic" });
  await assert.rejects(refused, { name: "CrierError", code: 40002, http: 400 });
  assert.equal(world.of("error")[0].code, 40002);
  assert.deepEqual(world.crier.topics, []);
});

test("a subscription that the server puts off is repeated after retry_after", async () => {
  const world = new World();
  const confirmed = world.crier.subscribe("a", { since: "all" });
  world.socket.open();
  const { ref } = world.socket.sent.shift();
  world.socket.say({ event: "error", ref, code: 50301, http: 503, error: "the bus is away", retry_after: 2 });
  await world.advance(2499);
  assert.deepEqual(world.socket.sent, []);
  await world.advance(1);
  assert.equal(world.socket.sent[0].since, "all");
  world.socket.ackAll({ id: id(7) });
  assert.deepEqual((await confirmed).topics, ["a"]);
});

test("what is left is not heard any more, nor resumed", async () => {
  const world = new World();
  world.crier.subscribe(["a", "b"]);
  await world.open();
  world.crier.unsubscribe("a");
  assert.deepEqual(world.socket.ops("unsubscribe")[0].topics, ["a"]);
  world.socket.alert(101, { topic: "a" });
  world.socket.alert(102, { topic: "b" });
  assert.deepEqual(world.alerts, ["number 102"]);
  world.socket.drop();
  await world.advance(1000);
  world.socket.open();
  assert.deepEqual(world.socket.ops("subscribe")[0].topics, ["b"]);
});

test("following everything takes alerts of every topic", async () => {
  const world = new World();
  world.crier.subscribe("*");
  await world.open();
  world.socket.alert(101, { topic: "anything" });
  assert.deepEqual(world.alerts, ["number 101"]);
});

test("a filter goes with every subscription, the resumed ones included", async () => {
  const world = new World({ filter: { priority: [4, 5] } });
  world.crier.subscribe("a");
  await world.open();
  assert.deepEqual(world.socket.answered[0].filter, { priority: [4, 5] });
  world.socket.drop();
  await world.advance(1000);
  world.socket.open();
  assert.deepEqual(world.socket.ops("subscribe")[0].filter, { priority: [4, 5] });
});

test("a new filter for a topic that is followed does not move its cursor past what is still on its way", async () => {
  const world = new World();
  world.crier.subscribe("a");
  await world.open();
  world.socket.alert(101);
  world.crier.subscribe("a", { filter: { tags: ["x"] } });
  world.socket.ackAll({ id: id(300) });
  world.socket.drop();
  await world.advance(1000);
  world.socket.open();
  assert.equal(world.socket.ops("subscribe")[0].since, id(101));
});

test("closing in an error's listener is final too", async () => {
  const world = new World();
  await world.open();
  world.crier.addEventListener("error", () => world.crier.close());
  world.socket.drop(1008);
  await world.advance(100_000);
  assert.equal(world.sockets.length, 1);
  assert.equal(world.crier.state, "closed");
});

test("closing is final", async () => {
  const world = new World();
  world.crier.subscribe("a");
  await world.open();
  const lost = world.crier.publish("a", "x");
  const pending = world.crier.subscribe("b");
  world.crier.close();
  await assert.rejects(lost, { code: "closed" });
  await assert.rejects(pending, { code: "closed" });
  await assert.rejects(world.crier.publish("a", "y"), { code: "closed" });
  await assert.rejects(world.crier.subscribe("c"), { code: "closed" });
  assert.equal(world.crier.state, "closed");
  assert.equal(world.socket.closedWith, 1000);
  world.page.dispatchEvent(new Event("online"));
  await world.advance(100_000);
  assert.equal(world.sockets.length, 1);
});

test("what is not JSON is reported and harms nothing", async () => {
  const world = new World();
  world.crier.subscribe("a");
  await world.open();
  for (const text of ["{", "null", "7", '"text"']) world.socket.say(text);
  assert.deepEqual(world.of("error").map(({ code }) => code), Array(4).fill("bad-frame"));
  world.socket.alert(101);
  await settle();
  assert.deepEqual(world.alerts, ["number 101"]);
});
