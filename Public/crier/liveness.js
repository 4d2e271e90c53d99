/**
 * What silence means. The server sends something every 15 seconds; 20 without a word is `stale`, 40 is `dead`, whatever the socket says:
 * a connection that a middlebox forgot stays "open" for hours.
 */
export class Liveness {
  #heardAt;

  /** @param {{staleAfter?: number, deadAfter?: number}} [options] milliseconds. */
  constructor({ staleAfter = 20_000, deadAfter = 40_000 } = {}) {
    this.staleAfter = staleAfter;
    this.deadAfter = deadAfter;
  }

  heard(now) {
    this.#heardAt = now;
  }

  /** Milliseconds since the last word; 0 before the first. */
  silence(now) {
    return this.#heardAt === undefined ? 0 : Math.max(0, now - this.#heardAt);
  }

  /** @returns {"live"|"stale"|"dead"} */
  verdict(now) {
    const silence = this.silence(now);
    if (silence >= this.deadAfter) return "dead";
    return silence >= this.staleAfter ? "stale" : "live";
  }
}
