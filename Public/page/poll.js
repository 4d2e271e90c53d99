import { Backoff } from "../crier/backoff.js";

/** Milliseconds that one question may take. */
const PATIENCE = 8000;

/**
 * Asks again and again while the page is looked at: `every` milliseconds after an answer, later and later after failures, at once when the
 * page is looked at again.
 */
export class Poll {
  /** When the last answer came (Unix milliseconds). */
  answeredAt;
  /** Whether the last question failed. */
  failing = false;

  #every;
  #ask;
  #answered;
  #failed;
  #env;
  #backoff;
  #timer;
  #asking;
  #running = false;

  /**
   * @param {{every: number, ask: (signal: AbortSignal) => Promise<unknown>, answered: (answer: unknown) => void,
   *   failed?: (error: Error) => void}} options milliseconds
   * @param {{setTimeout: Function, clearTimeout: Function, now: () => number, random: () => number, document: Document}} environment
   */
  constructor({ every, ask, answered, failed = () => {} }, environment) {
    this.#every = every;
    this.#ask = ask;
    this.#answered = answered;
    this.#failed = failed;
    this.#env = environment;
    this.#backoff = new Backoff({ first: every, random: environment.random });
    environment.document.addEventListener("visibilitychange", () => this.#running && this.#begin());
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    this.#begin();
  }

  stop() {
    this.#running = false;
    this.#forget();
  }

  #begin() {
    this.#forget();
    if (this.#env.document.visibilityState === "visible") this.#once();
  }

  /** An answer that is on its way is not waited for any more. */
  #forget() {
    this.#env.clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#asking = undefined;
  }

  async #once() {
    const asking = (this.#asking = new AbortController());
    const patience = this.#env.setTimeout(() => asking.abort(), PATIENCE);
    let wait = this.#every;
    try {
      const answer = await this.#ask(asking.signal);
      if (asking !== this.#asking) return;
      this.answeredAt = this.#env.now();
      this.failing = false;
      this.#backoff.attempt = 0;
      this.#answered(answer);
    } catch (error) {
      if (asking !== this.#asking) return;
      this.failing = true;
      wait = this.#backoff.next(this.#every);
      this.#failed(error);
    } finally {
      this.#env.clearTimeout(patience);
    }
    // What was told may have stopped it.
    if (asking === this.#asking) this.#timer = this.#env.setTimeout(() => this.#once(), wait);
  }
}
