import { closeCode } from "./close-codes.js";
import { CrierError } from "./errors.js";

/** Milliseconds in which the server has to say `open`, unless it says that its bus is away. */
const OPEN_TIMEOUT = 10_000;

/**
 * Keeps one link to the server: chooses the transport, waits between attempts, notices silence, follows the network and the page, and
 * leaves a VM that drains. What travels over the link is its owner's business.
 *
 * The owner's methods: `makeLink(name, handler)`, `start(link)`, `opened(link, frame)`, `event(frame, topics, stream)`,
 * `subscribed(…)` and `unsubscribable(…)` as the links call them, `roundTrip(milliseconds)`, `failed(error)`, `dropped()` (the link is
 * gone), `ended(error)` (the server closed for good: the owner closes) and `changed()` (the state may be another).
 */
export class Connection {
  /** The link in use, if any; it may not be open yet. */
  link;
  /** When the next attempt is due (Unix milliseconds), while one is being waited for. */
  nextAttemptAt;
  /** What the server's `open` told of itself. */
  server = {};
  /** Since when the server has been cut off from its bus (Unix milliseconds). */
  serverStaleSince;

  #env;
  #owner;
  #choice;
  #backoff;
  #liveness;
  #startedAt = 0;
  #probe;
  #resumed = false;
  #everLive = false;
  #offline = false;
  #closed = false;
  #drainUntil;
  #timer;
  #listening = [];

  constructor(environment, { choice, backoff, liveness }, owner) {
    this.#env = environment;
    this.#choice = choice;
    this.#backoff = backoff;
    this.#liveness = liveness;
    this.#owner = owner;
    const { page, document } = environment;
    this.#listen(page, "online", () => this.#wentOnline());
    this.#listen(page, "offline", () => this.#wentOffline());
    this.#listen(page, "pageshow", (event) => event.persisted && this.#wake());
    this.#listen(document, "visibilitychange", () => document.visibilityState === "visible" && this.#wake());
  }

  get transport() {
    return this.link?.name ?? this.#choice.next;
  }

  /** The state, worked out from what is known, and what there is to say about it. */
  assess() {
    if (this.#closed) return ["closed", {}];
    if (this.#offline) return ["offline", {}];
    const link = this.link;
    if (!this.#waitsForBus && (!link?.opened || !this.#resumed)) {
      return [this.#everLive ? "resuming" : "connecting", { transport: this.transport }];
    }
    if (this.serverStaleSince !== undefined) return ["stale", { by: "server" }];
    if (link.listening && this.#liveness.verdict(this.#env.now()) === "stale") return ["stale", { by: "silence" }];
    return ["live", { transport: link.name, ...this.server }];
  }

  connect() {
    this.#env.clearTimeout(this.#timer);
    this.nextAttemptAt = undefined;
    this.#resumed = false;
    this.#startedAt = this.#env.now();
    const name = this.#choice.next;
    try {
      this.link = this.#owner.makeLink(name, this.#handler);
      this.#owner.start(this.link);
    } catch (cause) {
      // A browser may refuse an address outright, for instance because of a content security policy.
      this.link = undefined;
      this.#choice.failedBeforeOpen(name);
      this.#owner.failed(new CrierError("network", "the connection could not be opened", { cause }));
      this.#connectLater(this.#backoff.next());
    }
    this.#owner.changed();
  }

  /** Whether the server has just started and has no place on its bus, which is away: it says `open` once it has one. */
  get #waitsForBus() {
    return this.link !== undefined && !this.link.opened && this.serverStaleSince !== undefined;
  }

  close() {
    this.#closed = true;
    this.#drop();
    for (const [target, type, listener] of this.#listening) target.removeEventListener(type, listener);
    this.#owner.changed();
  }

  /** Looks at the time: a link that does not open, silence, the way back to WebSocket. */
  tick(now) {
    const link = this.link;
    if (this.#waitsForBus) {
      if (this.#liveness.verdict(now) === "dead") this.#lost(1006, "");
    } else if (link !== undefined && !link.opened && now - this.#startedAt >= OPEN_TIMEOUT) {
      this.#lost(1006, "");
    } else if (link?.listening) {
      const verdict = this.#liveness.verdict(now);
      if (verdict === "dead") this.#lost(1006, "");
      else if (verdict === "stale") link.ping();
    }
    if (this.link?.opened && this.#choice.shouldProbe(now)) this.#startProbe();
    this.#owner.changed();
  }

  // MARK: What the links call

  #handler = {
    opened: (link, frame) => this.#opened(link, frame),
    // What a link says that is only being tried is not yet of this connection.
    event: (link, frame, topics, stream) => link === this.link && this.#event(frame, topics, stream ?? link),
    subscribed: (...said) => this.#owner.subscribed(...said),
    unsubscribable: (...said) => this.#owner.unsubscribable(...said),
    settled: (link) => {
      if (link !== this.link) return;
      this.#resumed = true;
      this.#everLive = true;
      this.#owner.changed();
    },
    roundTrip: (milliseconds) => this.#owner.roundTrip(milliseconds),
    failed: (error) => this.#owner.failed(error),
    closed: (link, { code, reason }) => {
      if (link === this.#probe) this.#probe = undefined;
      else if (link === this.link) this.#lost(code, reason);
    },
  };

  #opened(link, frame) {
    const now = this.#env.now();
    if (link === this.#probe) {
      this.#probe = undefined;
      this.#drop();
      this.link = link;
    }
    this.#choice.opened(link.name, now);
    this.#backoff.opened(now);
    this.#liveness.heard(now);
    this.server = { vm: frame.vm, region: frame.region };
    this.#owner.opened(link, frame);
    this.#owner.changed();
  }

  #event(frame, topics, stream) {
    const now = this.#env.now();
    this.#liveness.heard(now);
    if (frame.event === "stale") this.serverStaleSince ??= now;
    if (frame.event === "live") {
      if (this.#waitsForBus) this.#startedAt = now;
      this.serverStaleSince = undefined;
    }
    if (frame.event === "drain") this.#drain(frame, now);
    this.#owner.event(frame, topics, stream);
    this.#owner.changed();
  }

  /** The VM is leaving. It is listened to until it is time to go. */
  #drain(frame, now) {
    const wait = Math.max(0, Number(frame.retry_ms) || 0) + this.#env.random() * 1000;
    this.#drainUntil = now + wait;
    this.#env.clearTimeout(this.#timer);
    this.#timer = this.#env.setTimeout(() => this.#reconnect(), wait);
  }

  // MARK: Losing and finding it

  #lost(code, reason) {
    const now = this.#env.now();
    const { resumable, floor, meaning, ends } = closeCode(code);
    if (ends !== undefined) {
      this.#owner.ended(new CrierError(ends, meaning));
      return;
    }
    const drained = this.#drainUntil;
    if (!this.link.opened) this.#choice.failedBeforeOpen(this.link.name);
    this.#drop();
    if (!resumable) {
      this.#backoff.skipTo(3);
      this.#owner.failed(new CrierError("connection-closed", `${meaning} (${code}${reason ? `: ${reason}` : ""})`));
    }
    this.#connectLater(drained === undefined ? this.#backoff.next(floor) : Math.max(0, drained - now));
    this.#owner.changed();
  }

  #connectLater(wait) {
    this.#env.clearTimeout(this.#timer);
    if (this.#closed || this.#offline) return;
    this.nextAttemptAt = this.#env.now() + wait;
    this.#timer = this.#env.setTimeout(() => this.connect(), wait);
  }

  #reconnect() {
    this.#drop();
    this.connect();
  }

  /** Lets go of the link without asking it. */
  #drop() {
    this.#env.clearTimeout(this.#timer);
    this.nextAttemptAt = undefined;
    this.#drainUntil = undefined;
    this.#probe?.close();
    this.#probe = undefined;
    this.link?.close();
    this.link = undefined;
    this.#resumed = false;
    this.serverStaleSince = undefined;
    this.#backoff.closed(this.#env.now());
    this.#owner.dropped();
  }

  /** Tries a WebSocket while the event stream goes on; it takes over once it is open. */
  #startProbe() {
    this.#probe?.close();
    try {
      this.#probe = this.#owner.makeLink("websocket", this.#handler);
    } catch {
      this.#probe = undefined;
    }
  }

  // MARK: Network and page

  #wentOffline() {
    this.#offline = true;
    this.#drop();
    this.#owner.changed();
  }

  #wentOnline() {
    this.#offline = false;
    if (this.link === undefined) this.connect();
    else this.#wake();
  }

  /** The page is looked at again. Timers slept, and the socket may have died unnoticed. */
  #wake() {
    if (this.#offline && this.#env.navigator?.onLine === false) return;
    this.#offline = false;
    const link = this.link;
    if (link === undefined) this.connect();
    else if (link.dead || (link.listening && this.#liveness.verdict(this.#env.now()) !== "live")) this.#reconnect();
  }

  #listen(target, type, listener) {
    if (target === undefined) return;
    target.addEventListener(type, listener);
    this.#listening.push([target, type, listener]);
  }
}
