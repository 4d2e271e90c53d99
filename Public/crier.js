/**
 * Crier's browser client: publish once, heard everywhere.
 *
 *     import { Crier } from "/crier.js";
 *
 *     const crier = new Crier();
 *     crier.addEventListener("alert", ({ detail: alert }) => {
 *       console.log(`${alert.topic}: ${alert.message} (from ${alert.region}, ${crier.latency(alert)} ms ago)`);
 *     });
 *     crier.addEventListener("state", ({ detail }) => console.log(detail.state));
 *     await crier.subscribe("alien-landings", { since: "10m" });
 *     const { id } = await crier.publish("alien-landings", "Aliens over Sydney", { priority: 4 });
 *
 * It reconnects with jitter, goes on where it was (or tells of a `reset`), removes duplicates, keeps unsent alerts with their idempotency
 * keys, and falls back to Server-Sent Events and HTTP where WebSockets do not get through. The types are in crier.d.ts, the protocol in
 * docs/protocol.md, the parts in crier/.
 */
import { Backoff } from "./crier/backoff.js";
import { Connection } from "./crier/connection.js";
import { Cursor } from "./crier/cursor.js";
import { Deduplicator } from "./crier/deduplicator.js";
import { environment, transports } from "./crier/environment.js";
import { CrierError } from "./crier/errors.js";
import { randomKey } from "./crier/key.js";
import { Liveness } from "./crier/liveness.js";
import { Outbox } from "./crier/outbox.js";
import { ServerClock } from "./crier/server-clock.js";
import { EventStreamLink } from "./crier/sse-link.js";
import { servedBy } from "./crier/served-by.js";
import { SubscriptionWaiters } from "./crier/subscriptions.js";
import { TransportChoice } from "./crier/transport-choice.js";
import { WebSocketLink } from "./crier/websocket-link.js";

export { CrierError, servedBy };

/** Milliseconds between two looks at the time: silence, unanswered alerts, the way back to WebSocket. */
const TICK = 1000;

/** An event with a `detail`. Node 18 has no `CustomEvent`. */
class CrierEvent extends Event {
  constructor(type, detail) {
    super(type);
    this.detail = detail;
  }
}

export class Crier extends EventTarget {
  #env;
  #base;
  #token;
  #path;
  /** The VM that the first attempt asks for. What was lost or failed there had better go anywhere else. */
  #affinity;
  #filter;
  #clock = new ServerClock();
  #cursor = new Cursor();
  #deduplicator = new Deduplicator();
  #liveness;
  #outbox;
  #connection;
  #waiters = new SubscriptionWaiters();
  /** The callers of `authenticate` who wait for an answer on this connection. */
  #authenticating = new Set();
  #closed = false;
  #tickTimer;
  #state = "connecting";
  #stateSince;

  constructor(options = {}) {
    super();
    const env = (this.#env = environment(options.environment));
    this.#base = new URL(options.url ?? "/", globalThis.location?.href);
    this.#token = options.token;
    this.#path = options.path;
    this.#affinity = options.affinity;
    this.#filter = options.filter;
    this.#stateSince = env.now();
    this.#liveness = new Liveness({ staleAfter: options.staleAfter, deadAfter: options.deadAfter });
    this.#outbox = new Outbox({ limit: options.outboxLimit, publishTimeout: options.publishTimeout, random: env.random });
    const forced = options.transport === "auto" ? undefined : options.transport;
    const parts = {
      choice: new TransportChoice({ forced, available: transports(env) }),
      backoff: new Backoff({ random: env.random }),
      liveness: this.#liveness,
    };
    this.#connection = new Connection(env, parts, this.#owner);
    this.#connection.connect();
    this.#scheduleTick();
  }

  // MARK: What can be asked

  get state() {
    return this.#state;
  }

  get stateSince() {
    return this.#stateSince;
  }

  get staleFor() {
    if (this.#state === "live" || this.#state === "connecting") return 0;
    const now = this.#env.now();
    const cutOff = this.#connection.serverStaleSince;
    return (cutOff === undefined ? this.#liveness.silence(now) : now - cutOff) / 1000;
  }

  get transport() {
    return this.#connection.transport;
  }

  get vm() {
    return this.#connection.server.vm;
  }

  get region() {
    return this.#connection.server.region;
  }

  get cursor() {
    return this.#cursor.newest;
  }

  get topics() {
    return this.#cursor.topics;
  }

  get pending() {
    return this.#outbox.size;
  }

  get nextAttemptAt() {
    return this.#connection.nextAttemptAt;
  }

  get serverTime() {
    return this.#env.now() + this.#clock.offset;
  }

  latency(alert) {
    return Number.isFinite(alert?.time_ms) ? this.#clock.since(alert.time_ms, this.#env.now()) : undefined;
  }

  // MARK: What can be done

  subscribe(topics, { since, filter } = {}) {
    const names = [topics].flat();
    if (this.#closed) return Promise.reject(closedError());
    if (filter !== undefined) this.#filter = filter;
    const before = this.#cursor.topics;
    const added = names.filter((topic) => this.#cursor.follow(topic, since));
    if (since !== undefined) for (const topic of added) this.#deduplicator.forget(topic, before);
    if (added.length === 0 && filter === undefined) return Promise.resolve({ topics: names, id: this.#cursor.newest });
    const confirmed = this.#waiters.wait(names);
    const position = added.length > 0 && since !== "none" ? since : undefined;
    this.#connection.link?.follow([{ topics: names, since: position }], this.#cursor, this.#filter);
    return confirmed;
  }

  unsubscribe(topics) {
    const names = (topics === undefined ? this.#cursor.topics : [topics].flat()).filter((topic) => this.#cursor.has(topic));
    if (names.length === 0) return;
    this.#cursor.unfollow(names);
    this.#waiters.confirmed(names, this.#cursor.newest);
    this.#connection.link?.unfollow(names, this.#cursor, this.#filter);
  }

  publish(topic, message, fields = {}) {
    const { key = randomKey(this.#env.getRandomValues), ...rest } = fields;
    return new Promise((resolve, reject) => {
      if (this.#closed) throw closedError();
      this.#outbox.add({ ...rest, topic, message }, key, { resolve, reject });
      this.#flush();
    });
  }

  authenticate(token) {
    this.#token = token;
    const link = this.#connection.link;
    if (!link?.opened) return Promise.resolve();
    return new Promise((resolve, reject) => this.#sendToken(link, resolve, reject));
  }

  close() {
    this.#end(closedError());
  }

  #end(reason) {
    if (this.#closed) return;
    this.#closed = true;
    this.#env.clearTimeout(this.#tickTimer);
    this.#connection.close();
    for (const entry of this.#outbox.drain()) entry.settle.reject(reason);
    this.#waiters.refuseAll(reason);
  }

  // MARK: What the connection calls

  #owner = {
    makeLink: (name, handler) => {
      const affinity = this.#affinity;
      this.#affinity = undefined;
      return name === "sse"
        ? new EventStreamLink(this.#env, this.#base, handler, this.#token, affinity)
        : new WebSocketLink(this.#env, this.#base, handler, { path: this.#path, affinity });
    },
    start: (link) => link.start(this.#cursor, this.#filter),
    opened: (link, frame) => this.#opened(link, frame),
    event: (frame, topics, stream) => this.#event(frame, topics, stream),
    subscribed: (link, topics, frame, since) => {
      // Of a subscription with `since`, only what has arrived is settled; the replay may still break off.
      if (since === undefined) this.#cursor.begin(topics, frame.id);
      this.#waiters.confirmed(topics, frame.id);
    },
    unsubscribable: (link, topics, error) => this.#unsubscribable(link, topics, error),
    roundTrip: (milliseconds) => this.#clock.roundTrip(milliseconds),
    failed: (error) => this.#dispatch("error", error),
    ended: (error) => {
      this.#end(error);
      this.#dispatch("error", error);
    },
    dropped: () => {
      this.#outbox.disconnected();
      this.#deduplicator.reset();
      // The next connection begins with the token, and reports an error if it is refused.
      for (const resolve of this.#authenticating) resolve();
      this.#authenticating.clear();
    },
    changed: () => this.#tellState(),
  };

  #opened(link, frame) {
    this.#clock.heard(frame.time_ms, this.#env.now());
    this.#cursor.heard(frame.id);
    if (this.#token) this.#sendToken(link, () => {}, (error) => this.#dispatch("error", error));
    link.resume(this.#cursor, this.#filter);
    this.#dispatch("open", frame);
    this.#flush();
  }

  #event(frame, topics, stream) {
    switch (frame.event) {
      case "message":
        this.#cursor.advance(topics, frame.id);
        // One that was on its way when its topic was left is not wanted any more.
        if (!this.#cursor.has(frame.topic) && !this.#cursor.has("*")) break;
        if (this.#deduplicator.accept(frame.id, frame.topic, stream, frame.healed_from)) this.#dispatch("alert", frame);
        break;
      case "open":
      case "keepalive":
        this.#clock.heard(frame.time_ms, this.#env.now());
        this.#cursor.heard(frame.id);
        this.#cursor.advance(topics, frame.id);
        break;
      case "reset":
        this.#deduplicator.reset();
        this.#cursor.reset(topics, frame.id);
        this.#dispatch("reset", frame);
        break;
      case "presence":
      case "drain":
        this.#dispatch(frame.event, frame);
        break;
    }
  }

  #unsubscribable(link, topics, error) {
    const wanted = topics.filter((topic) => this.#cursor.has(topic));
    if (wanted.length === 0) return;
    if (!error.retryable) {
      this.#cursor.unfollow(wanted);
      this.#waiters.refused(wanted, error);
      this.#dispatch("error", error);
      return;
    }
    const wait = (error.retryAfter ?? 1) * 1000 + this.#env.random() * 1000;
    this.#env.setTimeout(() => {
      if (link === this.#connection.link) link.follow(this.#cursor.groups(wanted), this.#cursor, this.#filter);
    }, wait);
  }

  #sendToken(link, resolve, reject) {
    this.#authenticating.add(resolve);
    link.authenticate(this.#token, (error) => {
      this.#authenticating.delete(resolve);
      if (error) reject(error);
      else resolve();
    });
  }

  // MARK: Sending

  #flush() {
    const link = this.#connection.link;
    if (!link?.opened) return;
    for (const entry of this.#outbox.take(this.#env.now(), link.window)) {
      link.publish(entry, (error, frame) => {
        if (error) this.#outbox.refused(entry.ref, error, this.#env.now())?.settle.reject(error);
        else this.#outbox.acknowledged(entry.ref)?.settle.resolve(receipt(frame, entry.key));
        this.#flush();
      });
    }
  }

  // MARK: Time and state

  #scheduleTick() {
    this.#tickTimer = this.#env.setTimeout(() => {
      this.#tick();
      if (!this.#closed) this.#scheduleTick();
    }, TICK);
  }

  #tick() {
    const now = this.#env.now();
    for (const entry of this.#outbox.expired(now)) {
      entry.settle.reject(new CrierError("unconfirmed", "no answer came: the alert may have been raised or not"));
    }
    this.#connection.tick(now);
    this.#flush();
  }

  #tellState() {
    const [state, detail] = this.#connection.assess();
    if (state === this.#state) return;
    this.#state = state;
    this.#stateSince = this.#env.now();
    this.#dispatch("state", { state, since: this.#stateSince, detail });
  }

  #dispatch(type, detail) {
    this.dispatchEvent(new CrierEvent(type, detail));
  }
}

const closedError = () => new CrierError("closed", "this client was closed");

/** What a publish resolves with, from an `ack` or from the alert that HTTP answers with. */
function receipt(frame, key) {
  const receipt = { id: frame.id, time: frame.time, key };
  if (frame.duplicate) receipt.duplicate = true;
  if (frame.scheduled !== undefined) receipt.scheduled = frame.scheduled;
  return receipt;
}
