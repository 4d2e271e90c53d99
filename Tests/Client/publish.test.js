import assert from "node:assert/strict";
import { test } from "node:test";
import { CrierError } from "../../Public/crier/errors.js";
import { World, id, settle } from "./world.js";

const KEY = /^[0-9A-Za-z]{22}$/;

/** Looks at a promise without waiting for it. */
function watched(promise) {
  const seen = {};
  promise.then(
    (value) => (seen.value = value),
    (error) => (seen.error = error),
  );
  return seen;
}

test("a publish carries its fields and a key, and resolves with the ack", async () => {
  const world = new World();
  await world.open();
  const receipt = world.crier.publish("a", "hello", { title: "T", priority: 4, tags: ["x"] });
  const [frame] = world.socket.sent;
  assert.match(frame.key, KEY);
  assert.deepEqual(
    { ...frame, key: "", ref: "" },
    { op: "publish", topic: "a", message: "hello", title: "T", priority: 4, tags: ["x"], key: "", ref: "" },
  );
  world.socket.say({ event: "ack", ref: frame.ref, id: id(7), time: 12 });
  assert.deepEqual(await receipt, { id: id(7), time: 12, key: frame.key });
  assert.equal(world.crier.pending, 0);
});

test("a duplicate and a delayed alert say so", async () => {
  const world = new World();
  await world.open();
  const twice = world.crier.publish("a", "x", { key: "mine" });
  const later = world.crier.publish("a", "y", { delay: "10m" });
  const [first, second] = world.socket.sent;
  assert.equal(first.key, "mine");
  world.socket.say({ event: "ack", ref: first.ref, id: id(7), time: 12, duplicate: true });
  world.socket.say({ event: "ack", ref: second.ref, scheduled: 99 });
  assert.deepEqual(await twice, { id: id(7), time: 12, duplicate: true, key: "mine" });
  assert.equal((await later).scheduled, 99);
});

test("what is published before the connection is sent when it opens, in order", async () => {
  const world = new World();
  world.crier.publish("a", "1");
  world.crier.publish("a", "2");
  assert.equal(world.crier.pending, 2);
  world.socket.open();
  assert.deepEqual(world.socket.ops("publish").map(({ message }) => message), ["1", "2"]);
});

test("an alert that was not acknowledged is sent again after reconnecting, with the same key, and raised once", async () => {
  const world = new World();
  await world.open();
  const receipt = watched(world.crier.publish("a", "x"));
  const { key } = world.socket.sent[0];
  world.socket.drop();
  await world.advance(1000);
  world.socket.open();
  const [again] = world.socket.ops("publish");
  assert.equal(again.key, key);
  assert.equal(world.socket.ops("publish").length, 1);
  world.socket.say({ event: "ack", ref: again.ref, id: id(7), time: 1, duplicate: true });
  await settle();
  assert.equal(receipt.value.id, id(7));
});

test("an alert waits through hours of being offline and is sent after", async () => {
  const world = new World();
  await world.open();
  world.page.dispatchEvent(new Event("offline"));
  const receipt = watched(world.crier.publish("a", "x"));
  await world.advance(7_200_000);
  assert.deepEqual(receipt, {});
  world.page.dispatchEvent(new Event("online"));
  world.socket.open();
  assert.equal(world.socket.ops("publish").length, 1);
});

test("one that may have been raised is not repeated once its key may be forgotten", async () => {
  const world = new World();
  await world.open();
  const receipt = watched(world.crier.publish("a", "x"));
  world.page.dispatchEvent(new Event("offline"));
  await world.advance(270_000);
  assert.equal(receipt.error.code, "unconfirmed");
  world.page.dispatchEvent(new Event("online"));
  world.socket.open();
  assert.deepEqual(world.socket.ops("publish"), []);
});

test("a live server that never answers is given up after the time-out", async () => {
  const world = new World({ publishTimeout: 30_000 });
  await world.open();
  const receipt = watched(world.crier.publish("a", "x"));
  await world.chatter(29_000);
  assert.deepEqual(receipt, {});
  await world.chatter(2000);
  assert.equal(receipt.error.code, "unconfirmed");
});

test("the outbox is bounded: the newest publish is refused with a typed error, the others stand", async () => {
  const world = new World({ outboxLimit: 2 });
  const kept = [watched(world.crier.publish("a", "1")), watched(world.crier.publish("a", "2"))];
  await assert.rejects(world.crier.publish("a", "3"), (error) => error instanceof CrierError && error.code === "outbox-full");
  await world.open();
  assert.deepEqual(kept.map(({ value }) => value.id), [id(500), id(500)]);
});

test("a thousand may wait unless told otherwise", async () => {
  const world = new World();
  for (let count = 0; count < 1000; count += 1) world.crier.publish("a", "x");
  await assert.rejects(world.crier.publish("a", "x"), { code: "outbox-full" });
});

test("no more than sixteen are unanswered on a socket", async () => {
  const world = new World();
  for (let count = 0; count < 40; count += 1) world.crier.publish("a", `${count}`);
  world.socket.open();
  assert.equal(world.socket.ops("publish").length, 16);
  world.socket.say({ event: "ack", ref: world.socket.sent[0].ref, id: id(1), time: 1 });
  assert.equal(world.socket.ops("publish").length, 17);
});

test("an error frame becomes a CrierError with its code, status and wait", async () => {
  const world = new World();
  await world.open();
  const refused = world.crier.publish("a", "x");
  const { ref } = world.socket.sent[0];
  world.socket.say({ event: "error", ref, code: 40101, http: 401, error: "a token is needed", link: "/errors#40101" });
  await assert.rejects(refused, { name: "CrierError", code: 40101, http: 401, message: "a token is needed", link: "/errors#40101" });
  assert.equal(world.crier.pending, 0);
});

test("429 and 503 frames are repeated with the same key after retry_after", async () => {
  for (const [code, http] of [[42901, 429], [50301, 503]]) {
    const world = new World();
    world.chance = 0;
    await world.open();
    const receipt = watched(world.crier.publish("a", "x"));
    const first = world.socket.sent.shift();
    world.socket.say({ event: "error", ref: first.ref, code, http, error: "later", retry_after: 3 });
    await world.advance(2000);
    assert.deepEqual(world.socket.ops("publish"), []);
    await world.advance(1000);
    assert.equal(world.socket.sent[0].key, first.key);
    world.socket.ackAll();
    await settle();
    assert.equal(receipt.value.id, id(500));
  }
});

test("an error that belongs to no request is an event", async () => {
  const world = new World();
  await world.open();
  world.socket.say({ event: "error", code: 40003, http: 400, error: "what?" });
  assert.equal(world.of("error")[0].code, 40003);
});

test("the token goes first on every connection", async () => {
  const world = new World({ token: "secret" });
  world.crier.publish("a", "x");
  world.socket.open();
  assert.deepEqual(world.socket.sent.map(({ op }) => op), ["auth", "publish"]);
  assert.equal(world.socket.sent[0].token, "secret");
  assert.ok(!world.socket.url.includes("secret"));
});

test("a token that is given later is sent, and its refusal rejects", async () => {
  const world = new World();
  await world.open();
  const refused = world.crier.authenticate("wrong");
  const { ref } = world.socket.sent.shift();
  world.socket.say({ event: "error", ref, code: 40102, http: 401, error: "not this one" });
  await assert.rejects(refused, { code: 40102 });
  const accepted = world.crier.authenticate("right");
  world.socket.ackAll();
  await accepted;
});

// Over HTTP, beside an event stream.

test("HTTP: POST / with JSON, the key and the token in a header", async () => {
  const world = new World({ transport: "sse", token: "secret" });
  const receipt = world.crier.publish("a", "x", { title: "T" });
  const [request] = world.requests;
  assert.equal(request.url, "https://crier.example/");
  assert.deepEqual(request.headers, { "Content-Type": "application/json", Authorization: "Bearer secret" });
  assert.match(request.body.key, KEY);
  assert.deepEqual({ ...request.body, key: "" }, { topic: "a", message: "x", title: "T", key: "" });
  request.respond(200, { event: "message", id: id(7), time: 12, topic: "a", message: "x" });
  assert.deepEqual(await receipt, { id: id(7), time: 12, key: request.body.key });
});

test("HTTP: without a token there is no Authorization", async () => {
  const world = new World({ transport: "sse" });
  world.crier.publish("a", "x");
  assert.deepEqual(world.requests[0].headers, { "Content-Type": "application/json" });
});

test("HTTP: a scheduled answer has no id", async () => {
  const world = new World({ transport: "sse" });
  const receipt = world.crier.publish("a", "x", { delay: "1h" });
  world.requests[0].respond(200, { event: "scheduled", time: 99, topic: "a", message: "x" });
  assert.deepEqual(await receipt, { id: undefined, time: 99, scheduled: 99, key: world.requests[0].body.key });
});

test("HTTP: one at a time, in order", async () => {
  const world = new World({ transport: "sse" });
  world.crier.publish("a", "1");
  world.crier.publish("a", "2");
  assert.equal(world.requests.length, 1);
  world.requests[0].respond(200, { id: id(1), time: 1 });
  await settle();
  assert.deepEqual(world.requests.map(({ body }) => body.message), ["1", "2"]);
});

test("HTTP: error JSON becomes a CrierError", async () => {
  const world = new World({ transport: "sse" });
  const refused = world.crier.publish("a", "x");
  world.requests[0].respond(413, { code: 41301, http: 413, error: "too long", link: "/errors#41301" });
  await assert.rejects(refused, { name: "CrierError", code: 41301, http: 413, message: "too long", retryAfter: undefined });
});

test("HTTP: a proxy's page without JSON still becomes an error with the status", async () => {
  const world = new World({ transport: "sse" });
  const refused = world.crier.publish("a", "x");
  world.requests[0].respond(403, undefined);
  await assert.rejects(refused, { code: 40300, http: 403 });
});

test("HTTP: 429, 503 and a lost request are repeated with the same key, Retry-After honoured", async () => {
  const world = new World({ transport: "sse" });
  world.chance = 0;
  const receipt = watched(world.crier.publish("a", "x"));
  world.requests[0].respond(503, { code: 50301, http: 503, error: "the bus is away" }, { "Retry-After": "4" });
  await world.advance(3000);
  assert.equal(world.requests.length, 1);
  await world.advance(1000);
  assert.equal(world.requests.length, 2);
  world.requests[1].fail();
  await world.advance(1000);
  world.requests[2].respond(429, { code: 42901, http: 429, error: "slow down" }, { "Retry-After": "1" });
  await world.advance(1000);
  assert.equal(world.requests.length, 4);
  assert.equal(new Set(world.requests.map(({ body }) => body.key)).size, 1);
  world.requests[3].respond(200, { id: id(7), time: 1, duplicate: true });
  await settle();
  assert.equal(receipt.value.duplicate, true);
});

test("HTTP: repeating ends at publishTimeout with the server's own error", async () => {
  const world = new World({ transport: "sse", publishTimeout: 10_000 });
  world.chance = 0;
  const receipt = watched(world.crier.publish("a", "x"));
  for (let answered = 0; answered < world.requests.length && !receipt.error; answered += 1) {
    world.requests[answered].respond(503, { code: 50301, http: 503, error: "the bus is away" }, { "Retry-After": "4" });
    await world.advance(4000);
  }
  assert.equal(world.requests.length, 3);
  assert.equal(receipt.error.code, 50301);
  assert.equal(receipt.error.retryAfter, 4);
});

test("HTTP: a request that hangs is aborted and repeated", async () => {
  const world = new World({ transport: "sse" });
  world.chance = 0;
  world.crier.publish("a", "x");
  await world.advance(15_000);
  await world.advance(1000);
  assert.equal(world.requests.length, 2);
  assert.equal(world.requests[0].body.key, world.requests[1].body.key);
});

test("HTTP: an answer that arrives after its stream was lost still counts", async () => {
  const world = new World({ transport: "sse" });
  world.crier.subscribe("a");
  await settle();
  world.stream.open();
  const receipt = watched(world.crier.publish("a", "x"));
  world.stream.fail();
  world.requests[0].respond(200, { id: id(7), time: 1 });
  await settle();
  assert.equal(receipt.value.id, id(7));
  assert.equal(world.crier.pending, 0);
});

test("Retry-After may be a date", () => {
  const error = CrierError.fromResponse(503, null, "Fri, 21 Nov 2025 10:00:30 GMT", Date.parse("2025-11-21T10:00:00Z"));
  assert.equal(error.retryAfter, 30);
  assert.equal(error.retryable, true);
});
