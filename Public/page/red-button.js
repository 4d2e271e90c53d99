import { latency, refusal } from "./words.js";

/** How long the answer stays before the button is ready again. */
const HEARD = 5000;
const REFUSED = 10_000;

/** The button and its readout: ready → sending → heard or refused → ready. The last press counts. */
export class RedButton {
  #parts;
  #press = 0;
  #timer;

  /** @param {{bezel, outcome}} parts elements that get a `data-phase` */
  constructor(parts) {
    this.#parts = parts;
  }

  /**
   * Follows one publish. Returns the error if it was refused.
   * @param {Promise<{id?: string, duplicate?: boolean}>} publish
   * @param {boolean} connected whether it can go out at once
   */
  async follow(publish, connected) {
    const press = ++this.#press;
    const started = performance.now();
    this.#tell("sending", connected ? "Sending…" : "Waiting for the connection…");
    try {
      const receipt = await publish;
      const took = latency(performance.now() - started);
      if (press === this.#press) this.#tell("heard", `Heard in ${took}${receipt.id ? `, id ${receipt.id}` : ""}`, HEARD);
      return undefined;
    } catch (error) {
      if (press === this.#press) this.#tell("refused", refusal(error), REFUSED);
      return error;
    }
  }

  /** Says why nothing was sent. */
  decline(reason) {
    this.#press += 1;
    this.#tell("refused", reason, REFUSED);
  }

  #tell(phase, text, milliseconds) {
    clearTimeout(this.#timer);
    this.#parts.bezel.dataset.phase = phase;
    this.#parts.outcome.dataset.phase = phase;
    this.#parts.outcome.textContent = text;
    if (milliseconds !== undefined) this.#timer = setTimeout(() => this.#tell("ready", "Ready"), milliseconds);
  }
}
