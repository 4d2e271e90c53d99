import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../../Public/crier/backoff.js";
import { closeCode } from "../../Public/crier/close-codes.js";

test("the ceiling doubles from one second to thirty", () => {
  const backoff = new Backoff({ random: () => 1 });
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7].map(() => backoff.next()), [1000, 2000, 4000, 8000, 16000, 30000, 30000]);
});

test("jitter is full: a wait may be nothing", () => {
  const backoff = new Backoff({ random: () => 0 });
  assert.equal(backoff.next(), 0);
  assert.equal(backoff.next(), 0);
});

test("a floor is added to the jitter", () => {
  assert.equal(new Backoff({ random: () => 0.5 }).next(10_000), 10_500);
});

test("sixty stable seconds start it anew, fifty-nine do not", () => {
  const backoff = new Backoff({ random: () => 1 });
  backoff.next();
  backoff.next();
  backoff.opened(0);
  backoff.closed(59_999);
  assert.equal(backoff.ceiling, 4000);
  backoff.opened(100_000);
  backoff.closed(160_000);
  assert.equal(backoff.ceiling, 1000);
});

test("a connection that never opened does not start it anew", () => {
  const backoff = new Backoff({ random: () => 1 });
  backoff.next();
  backoff.closed(1_000_000);
  assert.equal(backoff.ceiling, 2000);
});

test("a thousand failures keep the ceiling at the cap", () => {
  const backoff = new Backoff({ random: () => 1 });
  for (let attempt = 0; attempt < 1000; attempt += 1) backoff.next();
  assert.equal(backoff.next(), 30_000);
});

test("skipping ahead never goes back", () => {
  const backoff = new Backoff({ random: () => 1 });
  backoff.skipTo(3);
  assert.equal(backoff.next(), 8000);
  backoff.skipTo(1);
  assert.equal(backoff.next(), 16_000);
});

test("leaving, lost, restarting, slow and throttled connections are resumable; faults are not", () => {
  for (const code of [1000, 1001, 1006, 1012, 1013, 4008, 4012, 4029, 4999]) assert.equal(closeCode(code).resumable, true, `${code}`);
  for (const code of [1002, 1003, 1007, 1008, 1009]) assert.equal(closeCode(code).resumable, false, `${code}`);
  assert.ok(closeCode(4029).floor >= 5000);
});
