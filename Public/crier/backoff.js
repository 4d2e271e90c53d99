/**
 * Exponential backoff with full jitter: each wait is drawn evenly from nothing to a ceiling that doubles. Only a connection that stayed
 * up for `stableAfter` starts it anew, so a server that accepts and drops is not hammered.
 */
export class Backoff {
  #random;
  #openedAt;

  /** @param {{first?: number, cap?: number, stableAfter?: number, random?: () => number}} [options] milliseconds. */
  constructor({ first = 1000, cap = 30_000, stableAfter = 60_000, random = Math.random } = {}) {
    this.first = first;
    this.cap = cap;
    this.stableAfter = stableAfter;
    this.#random = random;
    /** How many waits were drawn since the last stable connection. */
    this.attempt = 0;
  }

  /** The longest that the next wait can be. */
  get ceiling() {
    return Math.min(this.cap, this.first * 2 ** Math.min(this.attempt, 30));
  }

  /** Draws the next wait. `floor` is added: the server asked for at least that much. */
  next(floor = 0) {
    const wait = floor + this.#random() * this.ceiling;
    this.attempt += 1;
    return wait;
  }

  /** Skips the short waits: what went wrong will not be better in a second. */
  skipTo(attempt) {
    this.attempt = Math.max(this.attempt, attempt);
  }

  opened(now) {
    this.#openedAt = now;
  }

  closed(now) {
    if (this.#openedAt !== undefined && now - this.#openedAt >= this.stableAfter) this.attempt = 0;
    this.#openedAt = undefined;
  }
}
