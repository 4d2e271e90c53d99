import { CrierError } from "./errors.js";

/** The server remembers a key for 5 minutes. Repeating a publish later than that could raise it twice, so stop well before. */
const KEY_LIFETIME = 270_000;

/**
 * Alerts on their way out, each with its idempotency key, in the order they were published. Bounded; when full the newest publish is
 * refused. One that was never sent waits as long as it takes; one that was sent is repeated with the same key until it is answered, for
 * as long as the server is sure to know the key.
 */
export class Outbox {
  /** Ref → entry, in order of publishing. */
  #entries = new Map();
  #counter = 0;
  #pausedUntil = 0;

  /** @param {{limit?: number, publishTimeout?: number, random?: () => number}} [options] milliseconds. */
  constructor({ limit = 1000, publishTimeout = 60_000, random = Math.random } = {}) {
    this.limit = limit;
    this.publishTimeout = publishTimeout;
    this.random = random;
  }

  get size() {
    return this.#entries.size;
  }

  /**
   * Takes an alert in. `settle` is the caller's: it comes back with the entry.
   * @throws {CrierError} `outbox-full`
   */
  add(alert, key, settle) {
    if (this.#entries.size >= this.limit) {
      throw new CrierError("outbox-full", `${this.limit} alerts are waiting to be sent already`);
    }
    const ref = `p${++this.#counter}`;
    const entry = { ref, key, alert, settle, state: "waiting", firstSentAt: undefined, sentAt: undefined, refusedAt: undefined };
    this.#entries.set(ref, entry);
    return entry;
  }

  /** The entries to send now so that at most `window` are unanswered. They count as sent from here on. */
  take(now, window) {
    if (now < this.#pausedUntil) return [];
    const entries = [...this.#entries.values()];
    let room = window - entries.filter((entry) => entry.state === "sent").length;
    const taken = [];
    for (const entry of entries) {
      if (room <= 0) break;
      if (entry.state !== "waiting") continue;
      entry.state = "sent";
      entry.sentAt = now;
      entry.firstSentAt ??= now;
      taken.push(entry);
      room -= 1;
    }
    return taken;
  }

  /** Removes and returns the entry that was answered; undefined if nobody waits for it any more. */
  acknowledged(ref) {
    const entry = this.#entries.get(ref);
    this.#entries.delete(ref);
    return entry;
  }

  /**
   * The server refused. Returns the entry, removed, if that is final; undefined if it will be repeated. A refusal that asks to wait
   * pauses the whole outbox: the next alert would meet the same.
   */
  refused(ref, error, now) {
    const entry = this.#entries.get(ref);
    if (entry === undefined) return undefined;
    entry.refusedAt ??= now;
    const wait = (error.retryAfter ?? 1) * 1000 + this.random() * 500;
    if (!error.retryable || now + wait > entry.refusedAt + this.publishTimeout) {
      this.#entries.delete(ref);
      return entry;
    }
    entry.state = "waiting";
    this.#pausedUntil = Math.max(this.#pausedUntil, now + wait);
    return undefined;
  }

  /** The connection is gone: whatever was not answered will be sent again, with the same keys. */
  disconnected() {
    for (const entry of this.#entries.values()) entry.state = "waiting";
    this.#pausedUntil = 0;
  }

  /** Removes and returns the entries that can no longer be repeated safely, or that a live connection left unanswered. */
  expired(now) {
    const expired = [...this.#entries.values()].filter(
      (entry) =>
        (entry.state === "sent" && now - entry.sentAt >= this.publishTimeout) ||
        (entry.firstSentAt !== undefined && now - entry.firstSentAt >= KEY_LIFETIME),
    );
    for (const entry of expired) this.#entries.delete(entry.ref);
    return expired;
  }

  /** Removes and returns everything. */
  drain() {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    return entries;
  }
}
