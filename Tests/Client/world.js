import { Crier } from "../../Public/crier.js";

/** Ids of one epoch, in log order. */
export const id = (offset, epoch = "00bPJ5") => epoch + String(offset).padStart(6, "0");

/** Lets promise callbacks run. No time passes: not the virtual one, and the real one plays no part. */
export async function settle() {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** A clock that moves only when told, in the order of what is due. */
export class VirtualClock {
  time = 1_763_717_771_000;
  #timers = new Map();
  #counter = 0;

  setTimeout = (callback, milliseconds) => {
    this.#timers.set(++this.#counter, { at: this.time + Math.max(0, milliseconds), callback });
    return this.#counter;
  };

  clearTimeout = (timer) => this.#timers.delete(timer);

  async advance(milliseconds) {
    const end = this.time + milliseconds;
    await settle();
    for (;;) {
      const [timer, next] = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
      if (next === undefined) break;
      this.#timers.delete(timer);
      this.time = next.at;
      next.callback();
      await settle();
    }
    this.time = end;
  }
}

class FakeSocket {
  readyState = 0;
  sent = [];

  constructor(url) {
    this.url = url;
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close(code) {
    this.readyState = 3;
    this.closedWith = code;
  }

  // What the server does.

  open(frame = {}) {
    this.readyState = 1;
    this.say({ event: "open", id: id(100), vm: "vm1", region: "syd", ping: 15, ...frame });
  }

  say(frame) {
    this.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
  }

  alert(offset, more = {}) {
    this.say({ event: "message", id: id(offset), topic: "a", message: `number ${offset}`, ...more });
  }

  drop(code = 1006, reason = "") {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  ops(op) {
    return this.sent.filter((frame) => frame.op === op);
  }

  /** Acknowledges everything that was asked so far and not answered yet. */
  ackAll(more = {}) {
    for (const frame of this.sent.splice(0)) {
      this.answered.push(frame);
      this.say({ event: "ack", ref: frame.ref, ...(frame.op === "publish" ? { id: id(500), time: 1 } : {}), ...more });
    }
  }

  answered = [];
}

class FakeEventSource extends EventTarget {
  readyState = 0;

  constructor(url) {
    super();
    this.url = new URL(url);
  }

  close() {
    this.readyState = 2;
  }

  say(frame) {
    const event = new Event(frame.event);
    event.data = JSON.stringify(frame);
    if (frame.event === "message") this.onmessage?.(event);
    else this.dispatchEvent(event);
  }

  open(frame = {}) {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
    this.say({ event: "open", id: id(100), vm: "vm1", region: "syd", ping: 15, ...frame });
  }

  fail() {
    this.readyState = 2;
    this.onerror?.(new Event("error"));
  }
}

/** A client and everything around it, all of it in the test's hands. */
export class World {
  clock = new VirtualClock();
  sockets = [];
  streams = [];
  /** `{url, body, headers, respond(status, json, headers), fail()}` of each HTTP request. */
  requests = [];
  events = [];
  page = new EventTarget();
  document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  navigator = { onLine: true };
  /** What `random` gives: the middle, unless a test says otherwise. */
  chance = 0.5;

  constructor(options = {}) {
    const world = this;
    let byte = 0;
    this.crier = new Crier({
      url: "https://crier.example/",
      ...options,
      environment: {
        WebSocket: class extends FakeSocket {
          constructor(url) {
            super(url);
            world.sockets.push(this);
          }
        },
        EventSource: class extends FakeEventSource {
          constructor(url) {
            super(url);
            world.streams.push(this);
          }
        },
        fetch: (url, request) => world.#fetch(url, request),
        setTimeout: this.clock.setTimeout,
        clearTimeout: this.clock.clearTimeout,
        now: () => this.clock.time,
        random: () => this.chance,
        getRandomValues: (bytes) => bytes.fill((byte = (byte + 1) % 62)),
        page: this.page,
        document: this.document,
        navigator: this.navigator,
        ...options.environment,
      },
    });
    for (const type of ["alert", "state", "reset", "presence", "drain", "error", "open"]) {
      this.crier.addEventListener(type, ({ detail }) => this.events.push([type, detail]));
    }
  }

  #fetch(url, { body, headers, signal }) {
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("aborted")));
      this.requests.push({
        url,
        headers,
        body: JSON.parse(body),
        fail: () => reject(new TypeError("failed to fetch")),
        respond: (status, json, responseHeaders = {}) =>
          resolve({
            ok: status >= 200 && status < 300,
            status,
            headers: new Headers(responseHeaders),
            json: async () => {
              if (json === undefined) throw new SyntaxError("not JSON");
              return json;
            },
          }),
      });
    });
  }

  get socket() {
    return this.sockets.at(-1);
  }

  get stream() {
    return this.streams.at(-1);
  }

  of(type) {
    return this.events.filter(([each]) => each === type).map(([, detail]) => detail);
  }

  get alerts() {
    return this.of("alert").map((alert) => alert.message);
  }

  get states() {
    return this.of("state").map(({ state }) => state);
  }

  advance(milliseconds) {
    return this.clock.advance(milliseconds);
  }

  /** Keeps a live socket from falling silent. */
  async chatter(milliseconds, offset = 100) {
    for (let passed = 0; passed < milliseconds; passed += 15_000) {
      await this.advance(Math.min(15_000, milliseconds - passed));
      this.socket.say({ event: "keepalive", id: id(offset) });
    }
  }

  /** Opens the latest socket and confirms its subscriptions. */
  async open(frame) {
    this.socket.open(frame);
    this.socket.ackAll();
    await settle();
  }
}
