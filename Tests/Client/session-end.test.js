import assert from "node:assert/strict";
import { test } from "node:test";
import { closeCode } from "../../Public/crier/close-codes.js";
import { World, id } from "./world.js";

test("4401 ends it: a person has to sign in before coming back makes sense", () => {
  assert.equal(closeCode(4401).ends, "signed-out");
  assert.equal(closeCode(4401).resumable, false);
  for (const code of [1000, 1006, 1008, 1012, 4008, 4029]) assert.equal(closeCode(code).ends, undefined, `${code}`);
});

test("signed out: closed, an error that says so, and no further attempt whatever happens", async () => {
  const world = new World();
  world.crier.subscribe("a");
  await world.open();
  world.socket.drop(4401, "signed out");
  assert.equal(world.crier.state, "closed");
  assert.deepEqual(world.of("error").map(({ code }) => code), ["signed-out"]);
  assert.equal(world.states.at(-1), "closed");
  assert.equal(world.crier.nextAttemptAt, undefined);
  world.page.dispatchEvent(new Event("online"));
  world.document.dispatchEvent(new Event("visibilitychange"));
  await world.advance(600_000);
  assert.equal(world.sockets.length, 1);
  assert.equal(world.streams.length, 0);
});

test("signed out before the server said anything ends it as well", async () => {
  const world = new World();
  const confirmed = world.crier.subscribe("a");
  world.socket.drop(4401);
  await assert.rejects(confirmed, { code: "signed-out" });
  await world.advance(600_000);
  assert.equal(world.sockets.length, 1);
});

test("what was not confirmed is told, once, so that it can be kept", async () => {
  const world = new World();
  await world.open();
  const unsent = world.crier.publish("a", "x");
  world.socket.drop(4401);
  await assert.rejects(unsent, { code: "signed-out" });
  await assert.rejects(world.crier.publish("a", "y"), { code: "closed" });
  assert.equal(world.crier.pending, 0);
});

test("presence is an event with the whole list, and moves no cursor", async () => {
  const world = new World({ path: "/rooms/ams/ws" });
  world.crier.subscribe("_room-ams", { since: "latest:20" });
  assert.equal(world.of("presence").length, 0);
  world.socket.open();
  assert.equal(world.socket.ops("subscribe")[0].since, "latest:20");
  const people = [{ name: "ada", since: 1_763_717_771_000 }];
  // The first list may come before the subscription is confirmed.
  world.socket.say({ event: "presence", topic: "_room-ams", people });
  world.socket.ackAll({ id: id(120) });
  const cursor = world.crier.cursor;
  world.socket.say({ event: "presence", topic: "_room-ams", people: [] });
  assert.deepEqual(
    world.of("presence").map((frame) => frame.people),
    [people, []],
  );
  assert.equal(world.crier.cursor, cursor);
  assert.deepEqual(world.alerts, []);
});
