/** Milliseconds between two strokes at the least: a storm of alerts is not a drum roll. */
const PAUSE = 1000;

/** A bell, made of a few sine waves: a hand bell for an alert, three strokes for an urgent one. */
export class Bell {
  #context;
  #rungAt = -Infinity;

  /** Browsers let a page sound only after the user did something; call this then. */
  wake() {
    const AudioContext = globalThis.AudioContext ?? globalThis.webkitAudioContext;
    if (AudioContext === undefined) return;
    this.#context ??= new AudioContext();
    this.#context.resume().catch(() => {});
  }

  ring(priority = 3) {
    const now = performance.now();
    if (this.#context?.state !== "running" || now - this.#rungAt < PAUSE) return;
    this.#rungAt = now;
    const strokes = priority >= 5 ? 3 : 1;
    for (let stroke = 0; stroke < strokes; stroke += 1) this.#strike(this.#context.currentTime + stroke * 0.22, priority);
  }

  #strike(at, priority) {
    const loudness = [0.02, 0.03, 0.06, 0.09, 0.12][Math.min(5, Math.max(1, priority)) - 1];
    // The partials of a small bell, each fainter and shorter than the one below.
    for (const [index, ratio] of [1, 2.76, 5.4].entries()) {
      const tone = this.#context.createOscillator();
      const gain = this.#context.createGain();
      tone.frequency.value = 660 * ratio;
      gain.gain.setValueAtTime(loudness / (index + 1), at);
      gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.9 / (index + 1));
      tone.connect(gain).connect(this.#context.destination);
      tone.start(at);
      tone.stop(at + 1);
    }
  }
}
