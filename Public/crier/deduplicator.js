/**
 * Lets each alert through once: by the last ids heard, across connections, and by the order of ids inside one stream, where a topic's ids
 * only grow. Both memories are bounded; the oldest entry makes room.
 */
export class Deduplicator {
  /** Id → topic, oldest first. */
  #seen = new Map();
  /** Stream → (topic → newest id). Weak: a stream that is gone takes its marks along. */
  #marks = new WeakMap();

  /** @param {{capacity?: number}} [options] */
  constructor({ capacity = 2000 } = {}) {
    this.capacity = capacity;
  }

  get size() {
    return this.#seen.size;
  }

  /**
   * Whether this alert is new. `stream` is the object that stands for the connection it came over, `healedFrom` the id that the alert had before
   * the bus lost it: by that one it is known.
   */
  accept(id, topic, stream, healedFrom) {
    let marks = this.#marks.get(stream);
    if (marks === undefined) this.#marks.set(stream, (marks = new Map()));
    const mark = marks.get(topic);
    if (mark !== undefined && id <= mark) return false;
    bounded(marks, topic, id, this.capacity);
    const known = healedFrom ?? id;
    if (this.#seen.has(known)) return false;
    bounded(this.#seen, known, topic, this.capacity);
    return true;
  }

  /** Ids may go backwards: the server announced a reset, or another stream begins. */
  reset() {
    this.#marks = new WeakMap();
  }

  /**
   * A topic is followed anew with a `since`: what was heard of it in an earlier life is wanted again, unless a subscription that still
   * stands (`followed`) delivered it.
   */
  forget(topic, followed) {
    this.#marks = new WeakMap();
    if (followed.includes("*")) return;
    for (const [id, of] of this.#seen) {
      if ((topic === "*" || of === topic) && !followed.includes(of)) this.#seen.delete(id);
    }
  }
}

function bounded(map, key, value, capacity) {
  map.delete(key);
  map.set(key, value);
  if (map.size > capacity) map.delete(map.keys().next().value);
}
