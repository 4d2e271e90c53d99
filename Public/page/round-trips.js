/** How many of the latest samples count: their median leaves out the one that met a busy moment. */
const SAMPLES = 3;
/** Milliseconds in which every VM's samples are renewed, and the shortest pause between two questions. */
const PERIOD = 10_000;
const PAUSE = 150;

/**
 * The round-trip times from this browser to some VMs: one question at a time, spread evenly over the period, none while the page is hidden.
 * An answer counts only when the VM that was asked for gave it.
 */
export class RoundTrips {
  #ping;
  #changed;
  #env;
  /** VM → how often it was asked and its latest samples; the VM whose turn is next first. */
  #vms = new Map();
  #timer;
  #asking = false;

  /**
   * @param {{ping: (vm: string) => Promise<string | null>, changed: () => void}} options `ping` asks for a VM and resolves with the name of the
   *   one that answered
   * @param {{setTimeout: Function, clearTimeout: Function, performanceNow: () => number, document: Document}} environment
   */
  constructor({ ping, changed }, environment) {
    this.#ping = ping;
    this.#changed = changed;
    this.#env = environment;
    environment.document.addEventListener("visibilitychange", () => this.#schedule(0));
  }

  /** Measures these VMs and forgets all others. */
  watch(vms) {
    for (const vm of this.#vms.keys()) if (!vms.includes(vm)) this.#vms.delete(vm);
    for (const vm of vms) if (!this.#vms.has(vm)) this.#vms.set(vm, { asked: 0, samples: [] });
    if (this.#timer === undefined) this.#schedule(0);
  }

  /** Milliseconds, or undefined while there is no measurement. */
  of(vm) {
    const sorted = [...(this.#vms.get(vm)?.samples ?? [])].sort((a, b) => a - b);
    return sorted[sorted.length >> 1];
  }

  #schedule(wait) {
    this.#env.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#asking || this.#vms.size === 0 || this.#env.document.visibilityState !== "visible") return;
    this.#timer = this.#env.setTimeout(() => this.#next(), wait);
  }

  async #next() {
    this.#timer = undefined;
    const [turn] = this.#vms;
    if (turn === undefined) return;
    const [vm, measured] = turn;
    this.#vms.delete(vm);
    this.#vms.set(vm, measured);
    this.#asking = true;
    measured.asked += 1;
    const started = this.#env.performanceNow();
    let answered;
    try {
      answered = await this.#ping(vm);
    } catch {
      answered = undefined;
    }
    const took = this.#env.performanceNow() - started;
    this.#asking = false;
    if (answered === vm) {
      measured.samples.push(took);
      if (measured.samples.length > SAMPLES) measured.samples.shift();
    } else {
      // It cannot be reached now, so what it took before says nothing any more.
      measured.samples.shift();
    }
    if (this.#vms.get(vm) === measured) this.#changed();
    const begun = [...this.#vms.values()].every(({ asked }) => asked >= SAMPLES);
    this.#schedule(begun ? Math.max(PAUSE, PERIOD / (SAMPLES * this.#vms.size)) : PAUSE);
  }
}
