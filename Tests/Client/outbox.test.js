import assert from "node:assert/strict";
import { test } from "node:test";
import { CrierError } from "../../Public/crier/errors.js";
import { randomKey } from "../../Public/crier/key.js";
import { Outbox } from "../../Public/crier/outbox.js";

const filled = (count, options) => {
  const outbox = new Outbox({ random: () => 0, ...options });
  const entries = Array.from({ length: count }, (_, index) => outbox.add({ message: `${index}` }, `key${index}`, {}));
  return { outbox, entries };
};
const busy = (retryAfter) => new CrierError(42901, "slow down", { http: 429, retryAfter });

test("the newest is refused when it is full", () => {
  const { outbox } = filled(2, { limit: 2 });
  assert.throws(() => outbox.add({}, "key", {}), { name: "CrierError", code: "outbox-full" });
  assert.equal(outbox.size, 2);
});

test("an answer makes room", () => {
  const { outbox, entries } = filled(2, { limit: 2 });
  outbox.acknowledged(entries[0].ref);
  assert.doesNotThrow(() => outbox.add({}, "key", {}));
});

test("at most a window is unanswered, in order", () => {
  const { outbox, entries } = filled(5);
  assert.deepEqual(outbox.take(0, 3), entries.slice(0, 3));
  assert.deepEqual(outbox.take(0, 3), []);
  outbox.acknowledged(entries[1].ref);
  assert.deepEqual(outbox.take(0, 3), [entries[3]]);
});

test("what was not answered is sent again after a lost connection, first and with its key", () => {
  const { outbox, entries } = filled(3);
  outbox.take(0, 2);
  outbox.acknowledged(entries[0].ref);
  outbox.disconnected();
  assert.deepEqual(outbox.take(1000, 2).map(({ key }) => key), ["key1", "key2"]);
});

test("a refusal that asks to wait holds everything back for so long", () => {
  const { outbox, entries } = filled(2);
  outbox.take(0, 1);
  assert.equal(outbox.refused(entries[0].ref, busy(3), 0), undefined);
  assert.deepEqual(outbox.take(2999, 1), []);
  assert.deepEqual(outbox.take(3000, 1), [entries[0]]);
});

test("repeating ends when the next attempt would be past the time-out", () => {
  const { outbox, entries } = filled(1, { publishTimeout: 10_000 });
  outbox.take(0, 1);
  assert.equal(outbox.refused(entries[0].ref, busy(6), 0), undefined);
  outbox.take(6000, 1);
  assert.equal(outbox.refused(entries[0].ref, busy(6), 6000), entries[0]);
  assert.equal(outbox.size, 0);
});

test("any other refusal is final", () => {
  const { outbox, entries } = filled(1);
  outbox.take(0, 1);
  assert.equal(outbox.refused(entries[0].ref, new CrierError(40001, "no", { http: 400 }), 0), entries[0]);
});

test("a live connection that leaves one unanswered for the time-out gives it up", () => {
  const { outbox, entries } = filled(2);
  outbox.take(0, 1);
  assert.deepEqual(outbox.expired(59_999), []);
  assert.deepEqual(outbox.expired(60_000), [entries[0]]);
});

test("one that was sent is not repeated when the server may have forgotten its key; one that was not waits on", () => {
  const { outbox, entries } = filled(2);
  outbox.take(0, 1);
  outbox.disconnected();
  assert.deepEqual(outbox.expired(269_999), []);
  assert.deepEqual(outbox.expired(270_000), [entries[0]]);
  assert.deepEqual(outbox.expired(100_000_000), []);
  assert.equal(outbox.size, 1);
});

test("a key is 22 base-62 characters, without the bytes that would favour some", () => {
  const bytes = [255, 248, 247, 0, 61, 62];
  const key = randomKey((array) => array.map((_, index) => bytes[index % bytes.length]));
  assert.match(key, /^[0-9A-Za-z]{22}$/);
  assert.equal(key.slice(0, 8), "z0z0z0z0");
});

test("keys drawn from real randomness differ", async () => {
  const { webcrypto } = await import("node:crypto");
  const keys = new Set(Array.from({ length: 500 }, () => randomKey((bytes) => webcrypto.getRandomValues(bytes))));
  assert.equal(keys.size, 500);
});
