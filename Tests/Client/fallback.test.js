import assert from "node:assert/strict";
import { test } from "node:test";
import { TransportChoice } from "../../Public/crier/transport-choice.js";
import { World, id, settle } from "./world.js";

/** A client whose WebSockets failed twice. */
async function fallenBack(options, prepare = () => {}) {
  const world = new World(options);
  world.chance = 0;
  prepare(world);
  world.socket.drop();
  await world.advance(0);
  world.socket.drop();
  await world.advance(0);
  return world;
}

test("the choice: two failures in a row, then the other; and back when that fails too", () => {
  const choice = new TransportChoice();
  const tried = [];
  for (let attempt = 0; attempt < 6; attempt += 1) {
    tried.push(choice.next);
    choice.failedBeforeOpen(choice.next);
  }
  assert.deepEqual(tried, ["websocket", "websocket", "sse", "websocket", "websocket", "sse"]);
});

test("the choice: a WebSocket that opened wipes out earlier failures", () => {
  const choice = new TransportChoice();
  choice.failedBeforeOpen("websocket");
  choice.opened("websocket", 0);
  choice.failedBeforeOpen("websocket");
  assert.equal(choice.next, "websocket");
});

test("the choice: a transport that was forced, or is the only one, stays", () => {
  for (const options of [{ forced: "websocket" }, { available: ["websocket"] }]) {
    const choice = new TransportChoice(options);
    for (let attempt = 0; attempt < 9; attempt += 1) choice.failedBeforeOpen("websocket");
    assert.equal(choice.next, "websocket");
    assert.equal(choice.shouldProbe(Infinity), false);
  }
});

test("one failure tries a WebSocket again, two fall back to an event stream", async () => {
  const world = await fallenBack({}, ({ crier }) => crier.subscribe(["a", "b"], { since: "10m" }));
  assert.equal(world.sockets.length, 2);
  assert.equal(world.crier.transport, "sse");
  assert.equal(world.stream.url.pathname, "/a,b/sse");
  assert.equal(world.stream.url.searchParams.get("since"), "10m");
  assert.equal(world.crier.state, "connecting");
  world.stream.open();
  assert.equal(world.crier.state, "live");
  world.stream.say({ event: "message", id: id(101), topic: "a", message: "heard" });
  assert.deepEqual(world.alerts, ["heard"]);
});

test("the stream's own open event, which has no data, is not the server's", async () => {
  const world = await fallenBack({}, ({ crier }) => crier.subscribe("a"));
  world.stream.dispatchEvent(new Event("open"));
  assert.equal(world.crier.state, "connecting");
  assert.deepEqual(world.of("error"), []);
});

test("keepalive, reset, stale, live and drain arrive over the stream as well", async () => {
  const world = await fallenBack({}, ({ crier }) => crier.subscribe("a"));
  world.stream.open();
  world.stream.say({ event: "stale", time: 1 });
  assert.equal(world.crier.state, "stale");
  world.stream.say({ event: "live", time: 1 });
  assert.equal(world.crier.state, "live");
  world.stream.say({ event: "reset", reason: "lost", since: id(1), oldest: null, id: id(140), time: 1 });
  assert.equal(world.of("reset").length, 1);
  world.stream.say({ event: "keepalive", id: id(150) });
  world.stream.say({ event: "drain", time: 1, retry_ms: 3000 });
  await world.advance(2999);
  assert.equal(world.streams.length, 1);
  await world.advance(1);
  assert.equal(world.streams.length, 2);
  assert.equal(world.stream.url.searchParams.get("since"), id(150));
});

test("a broken stream is closed, not left to the browser, and resumes from the cursor", async () => {
  const world = await fallenBack({}, ({ crier }) => crier.subscribe("a"));
  world.stream.open();
  world.stream.say({ event: "message", id: id(111), topic: "a", message: "x" });
  world.stream.fail();
  assert.equal(world.crier.state, "resuming");
  assert.equal(world.streams[0].readyState, 2);
  await world.advance(0);
  assert.equal(world.streams.length, 2);
  assert.equal(world.stream.url.searchParams.get("since"), id(111));
});

test("a silent stream is replaced by the watchdog", async () => {
  const world = await fallenBack({}, ({ crier }) => crier.subscribe("a"));
  world.stream.open();
  await world.advance(40_000);
  assert.equal(world.streams.length, 2);
});

test("several changes of topics open one new stream, where the others are", async () => {
  const world = await fallenBack({}, ({ crier }) => crier.subscribe("a"));
  world.stream.open();
  world.stream.say({ event: "keepalive", id: id(150) });
  world.crier.subscribe("b", { since: id(120) });
  world.crier.subscribe("c", { since: id(130) });
  await settle();
  assert.equal(world.streams.length, 2);
  assert.equal(world.streams[0].readyState, 2);
  assert.equal(world.stream.url.pathname, "/a,b,c/sse");
  assert.equal(world.stream.url.searchParams.get("since"), id(120));
});

test("a topic with a history of its own gets a stream of its own until it has caught up", async () => {
  const world = await fallenBack({}, ({ crier }) => crier.subscribe("a"));
  world.stream.open();
  world.stream.say({ event: "message", id: id(150), topic: "a", message: "x" });
  world.crier.subscribe("b", { since: "all" });
  await settle();
  const [a, b] = world.streams.slice(1);
  assert.deepEqual([a.url.pathname, b.url.pathname], ["/a/sse", "/b/sse"]);
  a.open({ id: id(150) });
  b.open({ id: id(1) });
  b.say({ event: "message", id: id(2), topic: "b", message: "old" });
  a.say({ event: "message", id: id(151), topic: "a", message: "new" });
  a.fail();
  await world.advance(0);
  assert.equal(world.stream.url.searchParams.get("since"), id(2), "what is left of b's replay");
});

test("everything is one stream for *", async () => {
  const world = await fallenBack({}, ({ crier }) => crier.subscribe(["a", "*"]));
  assert.equal(world.stream.url.pathname, "/*/sse");
});

test("a filter is in the stream's address", async () => {
  const world = await fallenBack({ filter: { priority: [4, 5], tags: ["x"] } }, ({ crier }) => crier.subscribe("a"));
  assert.equal(world.stream.url.searchParams.get("priority"), "4,5");
  assert.equal(world.stream.url.searchParams.get("tags"), "x");
});

test("without topics there is no stream, and publishing works", async () => {
  const world = await fallenBack();
  assert.equal(world.streams.length, 0);
  assert.equal(world.crier.state, "live");
  await world.advance(120_000);
  assert.equal(world.crier.state, "live", "nobody speaks, so silence means nothing");
  const receipt = world.crier.publish("a", "x");
  world.requests[0].respond(200, { id: id(1), time: 5, event: "message" });
  assert.equal((await receipt).id, id(1));
});

test("after five minutes a WebSocket is tried beside the stream and takes over when it opens", async () => {
  const world = await fallenBack({}, ({ crier }) => crier.subscribe("a"));
  world.stream.open();
  for (let passed = 0; passed < 300_000; passed += 10_000) {
    assert.equal(world.sockets.length, 2);
    await world.advance(10_000);
    world.stream.say({ event: "keepalive", id: id(150) });
  }
  await world.advance(1000);
  assert.equal(world.sockets.length, 3);
  assert.equal(world.crier.transport, "sse");
  assert.equal(world.crier.state, "live");
  world.socket.open();
  assert.equal(world.crier.transport, "websocket");
  assert.equal(world.stream.readyState, 2);
  assert.equal(world.socket.ops("subscribe")[0].since, id(150));
  world.socket.ackAll();
  assert.equal(world.crier.state, "live");
});

test("a trial that fails leaves the stream alone for another five minutes", async () => {
  const world = await fallenBack({}, ({ crier }) => crier.subscribe("a"));
  world.stream.open();
  for (let passed = 0; passed < 310_000; passed += 10_000) {
    await world.advance(10_000);
    world.stream.say({ event: "keepalive", id: id(150) });
  }
  world.socket.drop();
  for (let passed = 0; passed < 280_000; passed += 10_000) {
    await world.advance(10_000);
    world.stream.say({ event: "keepalive", id: id(150) });
  }
  assert.equal(world.sockets.length, 3);
  assert.equal(world.streams.length, 1);
  assert.equal(world.crier.state, "live");
});

test("a server that is down is not taken for a proxy: the WebSocket has its turn again", async () => {
  const world = await fallenBack({}, ({ crier }) => crier.subscribe("a"));
  world.stream.fail();
  await world.advance(0);
  assert.equal(world.sockets.length, 3);
});

test("transport: sse never opens a WebSocket", async () => {
  const world = new World({ transport: "sse" });
  world.crier.subscribe("a");
  await settle();
  assert.equal(world.sockets.length, 0);
  assert.equal(world.stream.url.pathname, "/a/sse");
});

test("a WebSocket that the browser refuses to construct falls back too", async () => {
  const world = new World({
    environment: {
      WebSocket: class {
        constructor() {
          throw new Error("refused");
        }
      },
    },
  });
  world.chance = 0;
  world.crier.subscribe("a");
  await world.advance(2000);
  assert.equal(world.crier.transport, "sse");
});
