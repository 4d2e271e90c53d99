import assert from "node:assert/strict";
import { test } from "node:test";
import { Cursor, isId } from "../../Public/crier/cursor.js";
import { Deduplicator } from "../../Public/crier/deduplicator.js";
import { id } from "./world.js";

test("an id is twelve base-62 characters", () => {
  assert.ok(isId("00bPJ500000A"));
  for (const other of ["10m", "all", "1763717771", "00bPJ500000", "00bPJ500000-", undefined, null, 7]) assert.ok(!isId(other));
});

test("an event moves every topic of its stream, and never backwards", () => {
  const cursor = new Cursor();
  cursor.follow("a", "all");
  cursor.follow("b");
  cursor.advance(["a", "b"], id(7));
  cursor.advance(["a", "b"], id(5));
  assert.deepEqual(cursor.groups(), [{ topics: ["a", "b"], since: id(7) }]);
  assert.equal(cursor.newest, id(7));
});

test("ids compare as text in ASCII order", () => {
  const cursor = new Cursor();
  cursor.follow("a");
  for (const each of ["00bPJ5000009", "00bPJ500000A", "00bPJ500000a", "00bPJ500000Z"]) cursor.advance(["a"], each);
  assert.equal(cursor.position("a"), "00bPJ500000a");
});

test("a topic whose replay lags keeps a position of its own", () => {
  const cursor = new Cursor();
  cursor.follow("a");
  cursor.advance(["a"], id(900));
  cursor.follow("b", "all");
  cursor.advance(["a", "b"], id(100));
  assert.deepEqual(cursor.groups(), [
    { topics: ["a"], since: id(900) },
    { topics: ["b"], since: id(100) },
  ]);
  assert.deepEqual(cursor.mergedGroups(), [{ topics: ["a", "b"], since: id(100) }]);
});

test("a reset moves backwards too, for a log that began anew", () => {
  const cursor = new Cursor();
  cursor.follow("a");
  cursor.advance(["a"], id(900, "zzzzzz"));
  cursor.reset(["a"], id(3, "000001"));
  assert.equal(cursor.position("a"), id(3, "000001"));
  assert.equal(cursor.newest, id(3, "000001"));
});

test("the open of a socket without subscriptions settles nothing", () => {
  const cursor = new Cursor();
  cursor.follow("a", id(5));
  cursor.heard(id(100));
  assert.equal(cursor.position("a"), id(5));
  assert.equal(cursor.newest, id(100));
});

test("a confirmed start at the live end does not move a topic that has a position", () => {
  const cursor = new Cursor();
  cursor.follow("a", id(5));
  cursor.follow("b");
  cursor.begin(["a", "b"], id(50));
  assert.equal(cursor.position("a"), id(5));
  assert.equal(cursor.position("b"), id(50));
});

test("an id comes through once, on whatever stream", () => {
  const deduplicator = new Deduplicator();
  assert.ok(deduplicator.accept(id(1), "a", { first: true }));
  assert.ok(!deduplicator.accept(id(1), "a", { second: true }));
});

test("inside a stream a topic's ids only grow, and each topic for itself", () => {
  const deduplicator = new Deduplicator();
  const stream = {};
  assert.ok(deduplicator.accept(id(9), "a", stream));
  assert.ok(!deduplicator.accept(id(8), "a", stream));
  assert.ok(deduplicator.accept(id(8), "b", stream));
  deduplicator.reset();
  assert.ok(deduplicator.accept(id(7), "a", stream));
});

test("the memory holds the last 2,000 ids", () => {
  const deduplicator = new Deduplicator();
  for (let offset = 1; offset <= 2001; offset += 1) deduplicator.accept(id(offset), "a", deduplicator);
  assert.equal(deduplicator.size, 2000);
  assert.ok(!deduplicator.accept(id(2), "a", {}), "still remembered");
  assert.ok(deduplicator.accept(id(1), "a", {}), "forgotten");
});

test("a topic that is followed anew may repeat itself, unless another subscription delivered it", () => {
  const deduplicator = new Deduplicator();
  deduplicator.accept(id(1), "a", {});
  deduplicator.accept(id(2), "b", {});
  deduplicator.forget("*", ["b"]);
  assert.ok(deduplicator.accept(id(1), "a", {}));
  assert.ok(!deduplicator.accept(id(2), "b", {}));
  deduplicator.forget("a", ["*"]);
  assert.ok(!deduplicator.accept(id(1), "a", {}));
});
