import { asking } from "./affinity.js";
import { CrierError } from "./errors.js";
import { publishOverHTTP } from "./http-publish.js";

const NAMED_EVENTS = ["open", "keepalive", "reset", "stale", "live", "drain"];

/**
 * Reading by Server-Sent Events and publishing by HTTP, with the interface of `WebSocketLink`. There is one `EventSource` for each
 * position to resume from, which is nearly always one. A change of topics opens them anew from the cursor; several changes in one turn
 * of the event loop do so once.
 */
export class EventStreamLink {
  name = "sse";
  /** One publish at a time: parallel requests could overtake each other. */
  window = 1;
  opened = false;

  #environment;
  #base;
  #handler;
  #token;
  #affinity;
  #streams = new Set();
  #reopening = false;
  #closed = false;

  /** `affinity`: the VM to ask for. A publish that did not get through is repeated without asking. */
  constructor(environment, base, handler, token, affinity) {
    this.#environment = environment;
    this.#base = base;
    this.#handler = handler;
    this.#token = token;
    this.#affinity = affinity;
  }

  /** Opens what the cursor asks for. Apart from the constructor, since it may call the handler at once. */
  start(cursor, filter) {
    this.#reopen(cursor, filter);
  }

  /** `start` did so already: the addresses of the streams say what they carry. */
  resume() {}

  get listening() {
    return this.opened && this.#streams.size > 0;
  }

  get dead() {
    return [...this.#streams].some((stream) => stream.source.readyState === 2);
  }

  close() {
    this.#closed = true;
    this.#closeStreams();
  }

  follow(_groups, cursor, filter) {
    this.#reopenSoon(cursor, filter);
  }

  unfollow(_topics, cursor, filter) {
    this.#reopenSoon(cursor, filter);
  }

  publish(entry, answer) {
    publishOverHTTP(this.#environment, this.#base, { ...entry.alert, key: entry.key }, this.#token, this.#affinity).then(
      (alert) => answer(undefined, alert.event === "scheduled" ? { scheduled: alert.time, time: alert.time } : alert),
      (error) => {
        if (error.code === "network") this.#affinity = undefined;
        // The next link repeats it anyway; a good answer counts even when it is late.
        if (!this.#closed) answer(error);
      },
    );
  }

  /** The token goes with each request; whether it is right shows then. */
  authenticate(token, answer) {
    this.#token = token;
    answer(undefined, {});
  }

  ping() {}

  #reopenSoon(cursor, filter) {
    if (this.#reopening) return;
    this.#reopening = true;
    queueMicrotask(() => {
      this.#reopening = false;
      if (!this.#closed) this.#reopen(cursor, filter);
    });
  }

  #reopen(cursor, filter) {
    this.#closeStreams();
    for (const group of cursor.mergedGroups()) this.#openStream(group, filter);
    if (this.#streams.size === 0) this.#announce({});
  }

  #openStream({ topics, since }, filter) {
    const stream = { topics, open: false, source: undefined };
    const source = new this.#environment.EventSource(this.#address(topics, since, filter));
    stream.source = source;
    this.#streams.add(stream);
    source.onmessage = (event) => this.#received(stream, since, event);
    // `EventSource` has an `open` of its own, without data, which tells nothing about the server's.
    for (const name of NAMED_EVENTS) {
      source.addEventListener(name, (event) => typeof event.data === "string" && this.#received(stream, since, event));
    }
    // The browser would come back by itself, but from a cursor and with waits that are not ours.
    source.onerror = () => this.#streams.has(stream) && this.#lost();
  }

  #address(topics, since, filter) {
    const path = topics.includes("*") ? "*" : topics.map(encodeURIComponent).join(",");
    const url = asking(new URL(`${path}/sse`, this.#base), this.#affinity);
    if (since !== undefined) url.searchParams.set("since", since);
    for (const [name, value] of Object.entries(filter ?? {})) url.searchParams.set(name, [value].flat().join(","));
    return url.href;
  }

  #received(stream, since, event) {
    if (!this.#streams.has(stream)) return;
    let frame;
    try {
      frame = JSON.parse(event.data);
    } catch {
      frame = undefined;
    }
    if (frame === null || typeof frame !== "object") {
      this.#handler.failed(new CrierError("bad-frame", "the server sent something that is not a JSON object"));
      return;
    }
    if (frame.event !== "open" || stream.open) {
      this.#handler.event(this, frame, stream.topics, stream);
      return;
    }
    stream.open = true;
    this.#announce(frame);
    this.#handler.event(this, frame, stream.topics, stream);
    this.#handler.subscribed(this, stream.topics, frame, since);
    if ([...this.#streams].every((each) => each.open)) this.#handler.settled(this);
  }

  #announce(frame) {
    if (!this.opened) {
      this.opened = true;
      this.#handler.opened(this, frame);
    }
    if (this.#streams.size === 0) this.#handler.settled(this);
  }

  #lost() {
    this.#closeStreams();
    this.#closed = true;
    this.#handler.closed(this, { code: 1006, reason: "" });
  }

  #closeStreams() {
    for (const stream of this.#streams) {
      stream.source.onmessage = null;
      stream.source.onerror = null;
      stream.source.close();
    }
    this.#streams.clear();
  }
}
