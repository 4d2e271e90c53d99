/** How many of the latest times are looked at: old ones would hide a drift. */
const SAMPLES = 16;

/**
 * The difference between the server's clock and ours. Each time that the server tells is late by its way here; the largest difference
 * is the one that was least delayed, and half of the shortest round trip makes up for the rest.
 */
export class ServerClock {
  #differences = [];
  #shortestRoundTrip = Infinity;

  /** The server said `timeMs`, and we heard it at `now` (both Unix milliseconds). */
  heard(timeMs, now) {
    if (!Number.isFinite(timeMs)) return;
    this.#differences.push(timeMs - now);
    if (this.#differences.length > SAMPLES) this.#differences.shift();
  }

  /** A request was answered after so many milliseconds. */
  roundTrip(milliseconds) {
    this.#shortestRoundTrip = Math.min(this.#shortestRoundTrip, milliseconds);
  }

  /** Milliseconds to add to our clock to get the server's; 0 while nothing is known. */
  get offset() {
    if (this.#differences.length === 0) return 0;
    const way = Number.isFinite(this.#shortestRoundTrip) ? this.#shortestRoundTrip / 2 : 0;
    return Math.max(...this.#differences) + way;
  }

  /** How long ago, by the server's clock, something happened there. */
  since(timeMs, now) {
    return Math.max(0, Math.round(now + this.offset - timeMs));
  }
}
