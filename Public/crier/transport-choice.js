/**
 * Which transport to try next. WebSocket first; after two attempts in a row that never opened, Server-Sent Events, because some proxies
 * pass plain HTTP only. When those fail as well it was not the transport, and WebSocket has its turn again. On Server-Sent Events,
 * WebSocket is tried anew every five minutes.
 */
export class TransportChoice {
  #failures = 0;
  #fallback = false;
  #probeAt;

  /** @param {{forced?: "websocket"|"sse", available?: string[], attempts?: number, probeAfter?: number}} [options] */
  constructor({ forced, available = ["websocket", "sse"], attempts = 2, probeAfter = 300_000 } = {}) {
    this.forced = forced ?? (available.length === 1 ? available[0] : undefined);
    this.attempts = attempts;
    this.probeAfter = probeAfter;
  }

  /** @returns {"websocket"|"sse"} */
  get next() {
    return this.forced ?? (this.#fallback ? "sse" : "websocket");
  }

  opened(name, now) {
    this.#failures = 0;
    this.#fallback = name === "sse";
    this.#probeAt = this.#fallback ? now + this.probeAfter : undefined;
  }

  failedBeforeOpen(name) {
    if (name === "sse") {
      this.#fallback = false;
      this.#failures = 0;
    } else {
      this.#failures += 1;
      if (this.#failures >= this.attempts) this.#fallback = true;
    }
  }

  /** Whether it is time to try a WebSocket beside the stream. Asking so puts the next time off. */
  shouldProbe(now) {
    if (this.forced || this.#probeAt === undefined || now < this.#probeAt) return false;
    this.#probeAt = now + this.probeAfter;
    return true;
  }
}
