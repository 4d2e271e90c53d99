import assert from "node:assert/strict";
import { test } from "node:test";
import { Liveness } from "../../Public/crier/liveness.js";
import { ServerClock } from "../../Public/crier/server-clock.js";
import { World, id } from "./world.js";

test("twenty seconds of silence are stale, forty dead, and a word makes it live", () => {
  const liveness = new Liveness();
  assert.equal(liveness.verdict(1_000_000), "live");
  liveness.heard(0);
  assert.deepEqual([19_999, 20_000, 39_999, 40_000].map((now) => liveness.verdict(now)), ["live", "stale", "stale", "dead"]);
  liveness.heard(41_000);
  assert.equal(liveness.verdict(41_000), "live");
});

test("a silent socket turns stale, is asked, and is live again when it answers", async () => {
  const world = new World();
  await world.open();
  await world.advance(20_000);
  assert.equal(world.crier.state, "stale");
  assert.equal(world.crier.staleFor, 20);
  assert.deepEqual(world.of("state").at(-1).detail, { by: "silence" });
  assert.equal(world.socket.ops("ping").length, 1);
  world.socket.ackAll();
  assert.equal(world.crier.state, "live");
  assert.equal(world.crier.staleFor, 0);
});

test("the watchdog replaces a socket after forty silent seconds, not before", async () => {
  const world = new World();
  world.chance = 0;
  world.crier.subscribe("a");
  await world.open();
  world.socket.say({ event: "keepalive", id: id(120) });
  await world.advance(39_000);
  assert.equal(world.sockets.length, 1);
  await world.advance(1000);
  assert.equal(world.sockets.length, 2);
  assert.equal(world.sockets[0].closedWith, 1000);
  world.socket.open();
  assert.equal(world.socket.ops("subscribe")[0].since, id(120));
});

test("keepalives keep the watchdog quiet", async () => {
  const world = new World();
  await world.open();
  await world.chatter(300_000);
  assert.equal(world.sockets.length, 1);
  assert.deepEqual(world.states, ["live"]);
});

test("a server that has just started without its bus is waited for as long as it speaks", async () => {
  const world = new World({ transport: "websocket" });
  world.chance = 0;
  world.socket.say({ event: "stale" });
  assert.equal(world.crier.state, "stale");
  assert.deepEqual(world.of("state").at(-1).detail, { by: "server" });
  for (let turn = 0; turn < 8; turn += 1) {
    await world.advance(15_000);
    world.socket.say({ event: "keepalive" });
  }
  assert.equal(world.sockets.length, 1);
  world.socket.say({ event: "live" });
  await world.advance(1000);
  world.socket.open();
  assert.equal(world.crier.state, "live");

  const silent = new World({ transport: "websocket" });
  silent.chance = 0;
  silent.socket.say({ event: "stale" });
  await silent.advance(39_000);
  assert.equal(silent.sockets.length, 1);
  await silent.advance(1000);
  assert.equal(silent.sockets.length, 2);
});

test("a socket that never opens is given up after ten seconds", async () => {
  const world = new World({ transport: "websocket" });
  world.chance = 0;
  await world.advance(9000);
  assert.equal(world.sockets.length, 1);
  await world.advance(1000);
  assert.equal(world.sockets.length, 2);
});

test("the server's stale and live are passed on", async () => {
  const world = new World();
  await world.open();
  world.socket.say({ event: "stale", time: 1 });
  assert.equal(world.crier.state, "stale");
  assert.deepEqual(world.of("state").at(-1).detail, { by: "server" });
  await world.advance(5000);
  world.socket.say({ event: "keepalive", id: id(101) });
  assert.equal(world.crier.state, "stale", "hearing the VM is not hearing the bus");
  assert.equal(world.crier.staleFor, 5);
  world.socket.say({ event: "live", time: 6 });
  assert.equal(world.crier.state, "live");
});

test("offline closes and waits; online connects at once", async () => {
  const world = new World();
  world.crier.subscribe("a");
  await world.open();
  world.page.dispatchEvent(new Event("offline"));
  assert.equal(world.crier.state, "offline");
  assert.equal(world.socket.closedWith, 1000);
  await world.advance(600_000);
  assert.equal(world.sockets.length, 1);
  world.page.dispatchEvent(new Event("online"));
  assert.equal(world.sockets.length, 2);
  assert.equal(world.crier.state, "resuming");
});

test("online cuts a wait short", async () => {
  const world = new World();
  await world.open();
  world.socket.drop(4029);
  world.page.dispatchEvent(new Event("online"));
  assert.equal(world.sockets.length, 2);
  await world.advance(20_000);
  assert.ok(world.sockets.length <= 3, "the wait that was cut short does not fire as well");
});

test("a page that is looked at again replaces a dead socket and leaves a good one", async () => {
  const world = new World();
  await world.open();
  world.document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(world.sockets.length, 1);
  // The page slept: time passed, timers did not run.
  world.clock.time += 25_000;
  world.document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(world.sockets.length, 2);
  world.socket.open();
  world.socket.readyState = 3;
  world.document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(world.sockets.length, 3);
});

test("a page that is hidden does nothing", async () => {
  const world = new World();
  await world.open();
  world.clock.time += 25_000;
  world.document.visibilityState = "hidden";
  world.document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(world.sockets.length, 1);
});

test("the server's clock is the least delayed time it told, plus half of the shortest round trip", () => {
  const clock = new ServerClock();
  assert.equal(clock.offset, 0);
  clock.heard(10_000, 5100);
  clock.heard(20_000, 15_040);
  clock.heard(undefined, 1);
  clock.roundTrip(90);
  clock.roundTrip(80);
  clock.roundTrip(400);
  assert.equal(clock.offset, 4960 + 40);
  assert.equal(clock.since(30_000, 25_012), 12);
  assert.equal(clock.since(99_000, 25_012), 0, "never negative");
});

test("an alert's latency is corrected by the server's clock", async () => {
  const world = new World();
  world.crier.subscribe("a");
  await world.open({ time_ms: world.clock.time + 60_000 });
  await world.advance(1000);
  assert.equal(world.crier.latency({ time_ms: world.clock.time + 60_000 - 35 }), 35);
  assert.equal(world.crier.latency({}), undefined);
});
