/** Messages and lines that are held; the oldest leave. */
const LIMIT = 500;
/** Milliseconds by which our idea of the server's clock may be wrong. */
const CLOCK_SKEW = 60_000;

/**
 * @typedef {object} Said one message, or with `kind: "line"` a quiet line
 * @property {"message" | "line"} kind
 * @property {string} key what it is known by here: the idempotency key of an own one
 * @property {string} text
 * @property {string} [sender]
 * @property {boolean} [own]
 * @property {number} [time] Unix milliseconds
 * @property {string} [id] its place in the log, once that is known
 * @property {"sent" | "pending" | "failed"} [state]
 * @property {string} [reason] why it failed, in words
 */

/**
 * What was said in a room, in the order of the log. An own message shows at once, behind everything else, and takes its place when its
 * acknowledgement or its echo tells it, whichever comes first; it is never shown twice.
 */
export class Conversation {
  #me;
  #limit;
  /** In order: those with a place first. */
  #items = [];
  /** Id → message. */
  #byId = new Map();
  /** Ids may begin anew after a reset. */
  #generation = 0;
  #newest = "";
  #lines = 0;

  /** @param {{me: string, limit?: number}} options `me` is the name that the server knows this person by */
  constructor({ me, limit = LIMIT }) {
    this.#me = me;
    this.#limit = limit;
  }

  /** @returns {Said[]} in order */
  get items() {
    return this.#items;
  }

  /** The own messages that nobody has confirmed yet. */
  get unsent() {
    return this.#items.filter(({ state }) => state === "pending" || state === "failed");
  }

  /** Something that this person said just now. `time` is the server's (Unix milliseconds). */
  send(key, text, time) {
    const message = { kind: "message", key, text, sender: this.#me, own: true, time, startedAt: time, state: "pending" };
    this.#items.push(message);
    this.#trim();
    return message;
  }

  /** The bus has it. */
  acknowledged(message, id) {
    if (message.id === id) return;
    // Its echo may have been taken for somebody's word of its own, or it may have taken another tab's echo for its own.
    const given = message.echo;
    const echo = this.#byId.get(id);
    if (echo !== undefined) this.#remove(echo);
    this.#remove(message);
    this.#settle(message, id, echo?.time ?? message.time);
    if (given !== undefined) this.arrived(given);
  }

  /** It was refused, or nobody knows what became of it (`mayBeRaised`). */
  failed(message, reason, mayBeRaised = false) {
    if (message.state === "sent") return;
    Object.assign(message, { state: "failed", reason, mayBeRaised });
  }

  /** It is being sent once more. */
  retried(message) {
    Object.assign(message, { state: "pending", reason: undefined });
  }

  /**
   * An alert of the room's topic.
   * @returns {boolean} whether it says something new
   */
  arrived({ id, healed_from: healedFrom, sender, message: text, time_ms: timeMs, time: seconds }) {
    const time = timeMs ?? seconds * 1000;
    const known = this.#byId.get(id) ?? this.#byId.get(healedFrom);
    if (known !== undefined) {
      known.time = time;
      return false;
    }
    const mine = sender === this.#me ? this.#oldestUnsent(text, time) : undefined;
    if (mine !== undefined) {
      this.#remove(mine);
      this.#settle(mine, id, time);
      mine.echo = { id, sender, message: text, time_ms: time };
      return false;
    }
    this.#settle({ kind: "message", key: `id:${id}`, text: String(text ?? ""), sender: sender ?? "somebody", own: sender === this.#me }, id, time);
    return true;
  }

  /** A quiet line: somebody came or left. It stays behind what was said before it. */
  tell(text, time) {
    this.#lines += 1;
    this.#place({ kind: "line", key: `line:${this.#lines}`, text, time, order: [this.#generation, this.#newest, this.#lines] });
  }

  /** Part of the log is gone, and ids may begin anew. */
  reset() {
    this.#generation += 1;
    this.#newest = "";
  }

  #oldestUnsent(text, time) {
    return this.#items.find(
      (item) =>
        item.text === text && (item.state === "pending" || (item.state === "failed" && item.mayBeRaised)) && time >= item.startedAt - CLOCK_SKEW,
    );
  }

  #settle(message, id, time) {
    if (id > this.#newest) this.#newest = id;
    Object.assign(message, { id, time, state: "sent", reason: undefined, echo: undefined, order: [this.#generation, id, 0] });
    this.#byId.set(id, message);
    this.#place(message);
  }

  #place(item) {
    let at = this.#items.length;
    while (at > 0 && !isBefore(this.#items[at - 1], item)) at -= 1;
    this.#items.splice(at, 0, item);
    this.#trim();
  }

  #remove(item) {
    const at = this.#items.indexOf(item);
    if (at >= 0) this.#items.splice(at, 1);
    if (item.id !== undefined && this.#byId.get(item.id) === item) this.#byId.delete(item.id);
  }

  #trim() {
    while (this.#items.length > this.#limit) this.#remove(this.#items[0]);
  }
}

/** Whether an item goes before one that has a place. Those without one are behind all others. */
function isBefore(item, placed) {
  if (item.order === undefined) return false;
  const [generation, id, line] = item.order;
  const [otherGeneration, otherId, otherLine] = placed.order;
  if (generation !== otherGeneration) return generation < otherGeneration;
  if (id !== otherId) return id < otherId;
  return line < otherLine;
}
