import { asking } from "./affinity.js";
import { CrierError } from "./errors.js";

/**
 * One duplex WebSocket (docs/protocol.md, "The duplex WebSocket"): requests with a `ref` and their answers. It lives once; a closed one is
 * replaced, and after `close()` it calls nobody.
 *
 * The handler's methods: `opened(link, frame)`, `event(link, frame, topics)`, `subscribed(link, topics, frame, since)`,
 * `unsubscribable(link, topics, error)`, `settled(link)`, `roundTrip(milliseconds)`, `failed(error)`,
 * `closed(link, {code, reason})`.
 */
export class WebSocketLink {
  name = "websocket";
  /** How many publishes may be unanswered at a time. */
  window = 16;
  /** Whether the server ever said `open`. */
  opened = false;

  #socket;
  #handler;
  #environment;
  #counter = 0;
  /** Ref → {answer, sentAt}. Bounded by `window` and by the calls to subscribe. */
  #requests = new Map();
  #subscribing = 0;
  #topics = new Set();

  /**
   * @param {{WebSocket: typeof WebSocket, now: () => number}} environment
   * @param {URL} base the server
   * @param {object} handler
   * @param {{path?: string, affinity?: {vm?: string, region?: string}}} [address] the socket's path below the server, and the VM to ask for
   */
  constructor(environment, base, handler, { path = "/ws", affinity } = {}) {
    this.#environment = environment;
    this.#handler = handler;
    // A relative name, so that a server below a path is reached there.
    const url = asking(new URL(`./${path.replace(/^\/+/, "")}`, base), affinity);
    url.protocol = base.protocol === "https:" ? "wss:" : "ws:";
    const socket = new environment.WebSocket(url.href);
    this.#socket = socket;
    socket.onmessage = (event) => this.#received(event.data);
    socket.onclose = (event) => {
      this.#detach();
      this.#handler.closed(this, { code: event.code ?? 1006, reason: event.reason ?? "" });
    };
    // A close always follows, and says more.
    socket.onerror = () => {};
  }

  /** Whether silence on this link is a bad sign. */
  get listening() {
    return this.opened;
  }

  /** Begins. The socket opens by itself and is told what to follow once the server has said `open`. */
  start() {}

  /** Follows everything that the cursor stands for. */
  resume(cursor, filter) {
    this.follow(cursor.groups(), cursor, filter);
  }

  /** Whether the browser knows already that this socket is done. */
  get dead() {
    return this.#socket.readyState >= 2;
  }

  /** Ends the link without a call to the handler. */
  close(code = 1000) {
    this.#detach();
    try {
      this.#socket.close(code);
    } catch {
      // A socket that is connecting or closed already has nothing to say.
    }
  }

  /** Follows more topics. Before the server has said `open`, `resume` will. */
  follow(groups, _cursor, filter) {
    if (!this.opened) return;
    for (const { topics, since } of groups) {
      this.#subscribing += 1;
      const operation = { op: "subscribe", topics };
      if (since !== undefined) operation.since = since;
      if (filter) operation.filter = filter;
      this.#request(operation, (error, frame) => {
        this.#subscribing -= 1;
        if (error) {
          this.#handler.unsubscribable(this, topics, error);
        } else {
          for (const topic of topics) this.#topics.add(topic);
          this.#handler.subscribed(this, topics, frame, since);
        }
        this.#checkSettled();
      });
    }
    this.#checkSettled();
  }

  unfollow(topics) {
    for (const topic of topics) this.#topics.delete(topic);
    if (!this.opened) return;
    this.#request({ op: "unsubscribe", topics }, (error) => error && this.#handler.failed(error));
  }

  /** Publishes; `answer(error, frame)` is called unless the link goes away first. */
  publish(entry, answer) {
    this.#request({ ...entry.alert, op: "publish", key: entry.key }, answer);
  }

  authenticate(token, answer) {
    this.#request({ op: "auth", token }, answer);
  }

  ping() {
    this.#request({ op: "ping" }, () => {});
  }

  #request(operation, answer) {
    const ref = `r${++this.#counter}`;
    this.#requests.set(ref, { answer, sentAt: this.#environment.now() });
    this.#socket.send(JSON.stringify({ ...operation, ref }));
  }

  #received(data) {
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      frame = undefined;
    }
    if (frame === null || typeof frame !== "object") {
      this.#handler.failed(new CrierError("bad-frame", "the server sent something that is not a JSON object"));
      return;
    }
    if (frame.event === "open" && !this.opened) {
      this.opened = true;
      this.#handler.opened(this, frame);
      return;
    }
    const request = frame.event === "ack" || frame.event === "error" ? this.#requests.get(frame.ref) : undefined;
    if (request) this.#requests.delete(frame.ref);
    this.#handler.event(this, frame, this.#topics);
    if (request && frame.event === "ack") {
      this.#handler.roundTrip(this.#environment.now() - request.sentAt);
      request.answer(undefined, frame);
    } else if (frame.event === "error") {
      const error = CrierError.fromFrame(frame);
      if (request) request.answer(error);
      else this.#handler.failed(error);
    }
  }

  #checkSettled() {
    if (this.#subscribing === 0) this.#handler.settled(this);
  }

  #detach() {
    this.#requests.clear();
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
  }
}
