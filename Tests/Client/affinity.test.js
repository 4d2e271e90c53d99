import assert from "node:assert/strict";
import { test } from "node:test";
import { servedBy } from "../../Public/crier.js";
import { World, id, settle } from "./world.js";

const page = (dataset) => ({ documentElement: { dataset } });

test("a page says which VM served it, and says nothing where the server left the placeholders", () => {
  assert.deepEqual(servedBy(page({ vm: "1234567890abcd", region: "ams" })), { vm: "1234567890abcd", region: "ams" });
  assert.deepEqual(servedBy(page({ vm: "{{vm}}", region: "{{region}}" })), {});
  assert.deepEqual(servedBy(page({ vm: "", region: "ams" })), { region: "ams" });
  assert.deepEqual(servedBy(page({})), {});
});

test("without affinity the address asks for nothing", () => {
  assert.equal(new World().socket.url, "wss://crier.example/ws");
  assert.equal(new World({ affinity: {} }).socket.url, "wss://crier.example/ws");
});

test("the first attempt asks for the VM, or else for the region", () => {
  assert.equal(new World({ affinity: { vm: "1234567890abcd", region: "ams" } }).socket.url, "wss://crier.example/ws?fly_instance_id=1234567890abcd");
  assert.equal(new World({ affinity: { region: "ams" } }).socket.url, "wss://crier.example/ws?region=ams");
});

test("after an attempt that failed it asks for none", async () => {
  const world = new World({ affinity: { vm: "1234567890abcd" } });
  world.chance = 0;
  world.socket.drop();
  await world.advance(0);
  assert.deepEqual(
    world.sockets.map(({ url }) => url),
    ["wss://crier.example/ws?fly_instance_id=1234567890abcd", "wss://crier.example/ws"],
  );
});

test("after a connection that was lost, drained or taken offline it asks for none", async () => {
  const ends = [
    (world) => world.socket.drop(1012),
    (world) => world.socket.say({ event: "drain", time: 1, retry_ms: 0 }),
    (world) => {
      world.page.dispatchEvent(new Event("offline"));
      world.page.dispatchEvent(new Event("online"));
    },
  ];
  for (const end of ends) {
    const world = new World({ affinity: { vm: "1234567890abcd" } });
    world.chance = 0;
    world.crier.subscribe("a");
    await world.open();
    end(world);
    await world.advance(0);
    assert.equal(world.sockets.length, 2);
    assert.equal(world.socket.url, "wss://crier.example/ws");
  }
});

test("an event stream and its publishes ask too, while it is the first attempt", async () => {
  const world = new World({ transport: "sse", affinity: { vm: "1234567890abcd" } });
  world.chance = 0;
  world.crier.subscribe("a");
  await settle();
  assert.equal(world.stream.url.searchParams.get("fly_instance_id"), "1234567890abcd");
  world.stream.open();
  const receipt = world.crier.publish("a", "x");
  assert.equal(world.requests[0].url, "https://crier.example/?fly_instance_id=1234567890abcd");
  world.requests[0].respond(200, { id: id(101), time: 1, event: "message" });
  await receipt;
  world.stream.fail();
  await world.advance(0);
  assert.equal(world.stream.url.searchParams.get("fly_instance_id"), null);
  world.stream.open();
  world.crier.publish("a", "y");
  assert.equal(world.requests[1].url, "https://crier.example/");
});

test("a publish that does not get through to the VM is repeated without asking, with the same key", async () => {
  const world = new World({ transport: "sse", affinity: { region: "ams" } });
  world.crier.subscribe("a");
  await settle();
  world.stream.open();
  world.crier.publish("a", "x");
  assert.equal(world.requests[0].url, "https://crier.example/?region=ams");
  world.requests[0].fail();
  await world.advance(3000);
  assert.equal(world.requests[1].url, "https://crier.example/");
  assert.equal(world.requests[1].body.key, world.requests[0].body.key);
});

test("a WebSocket tried beside an event stream asks for none", async () => {
  const world = new World({ affinity: { vm: "1234567890abcd" } });
  world.chance = 0;
  world.crier.subscribe("a");
  for (let failure = 0; failure < 2; failure += 1) {
    world.socket.drop();
    await world.advance(0);
  }
  assert.equal(world.stream.url.search, "", "the fallback is a later attempt");
  world.stream.open();
  for (let passed = 0; passed < 310_000; passed += 10_000) {
    await world.advance(10_000);
    world.stream.say({ event: "keepalive", id: id(150) });
  }
  assert.equal(world.sockets.length, 3);
  assert.equal(world.socket.url, "wss://crier.example/ws");
});

test("the path is the socket's alone, below the server's address, also after reconnecting", async () => {
  const world = new World({ path: "/rooms/ams/ws", url: "https://crier.example/below/", affinity: { region: "ams" } });
  world.chance = 0;
  assert.equal(world.socket.url, "wss://crier.example/below/rooms/ams/ws?region=ams");
  world.socket.drop();
  await world.advance(0);
  assert.equal(world.socket.url, "wss://crier.example/below/rooms/ams/ws");
  assert.equal(new World({ path: "//evil.example/ws" }).socket.url, "wss://crier.example/evil.example/ws", "it stays on the server");
});
