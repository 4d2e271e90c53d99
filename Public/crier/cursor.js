/** Twelve base-62 characters: epoch and offset. Ids sort as text in log order. */
export const isId = (value) => typeof value === "string" && /^[0-9A-Za-z]{12}$/.test(value);

/**
 * Where each followed topic goes on after a reconnection.
 *
 * A stream delivers in log order, so an event with an id settles every topic of that stream up to this id. Positions are kept by topic
 * because a topic may be followed later than the others with a `since` of its own: until its replay has passed the others, one shared
 * cursor would skip what a broken connection left out. Usually all are equal, and one `subscribe` resumes them.
 */
export class Cursor {
  /** Topic → id, or the `since` that was asked for, or undefined for the live end. */
  #positions = new Map();
  #newest;

  /** The newest id heard, if any. */
  get newest() {
    return this.#newest;
  }

  get topics() {
    return [...this.#positions.keys()];
  }

  has(topic) {
    return this.#positions.has(topic);
  }

  position(topic) {
    return this.#positions.get(topic);
  }

  /** Starts to follow a topic; one that is followed already keeps its position. Returns whether it is new. */
  follow(topic, since) {
    if (this.#positions.has(topic)) return false;
    this.#positions.set(topic, since === "none" ? undefined : since);
    return true;
  }

  /** Stops following; without topics, all of them. */
  unfollow(topics = this.topics) {
    for (const topic of topics) this.#positions.delete(topic);
  }

  /** The server says where topics that were followed from the live end began. */
  begin(topics, id) {
    this.heard(id);
    for (const topic of topics) if (this.#positions.has(topic)) this.#positions.set(topic, this.#positions.get(topic) ?? id);
  }

  /** An event with this id came over a stream that carries these topics. */
  advance(topics, id) {
    if (!isId(id)) return;
    this.heard(id);
    for (const topic of topics) {
      if (!this.#positions.has(topic)) continue;
      const position = this.#positions.get(topic);
      if (!isId(position) || id > position) this.#positions.set(topic, id);
    }
  }

  /** An id that says where the log is, but settles no topic: the `open` of a duplex socket comes before its subscriptions. */
  heard(id) {
    if (isId(id) && (this.#newest === undefined || id > this.#newest)) this.#newest = id;
  }

  /** The server says where these topics go on. That may be backwards: a log that began anew may begin with smaller ids. */
  reset(topics, id) {
    const position = isId(id) ? id : undefined;
    this.#newest = position ?? this.#newest;
    for (const topic of topics) if (this.#positions.has(topic)) this.#positions.set(topic, position);
  }

  /** The fewest requests that resume everything, or these topics: `[{topics, since}]`. */
  groups(only = this.topics) {
    const groups = new Map();
    for (const [topic, since] of this.#positions) {
      if (!only.includes(topic)) continue;
      if (groups.has(since)) groups.get(since).push(topic);
      else groups.set(since, [topic]);
    }
    return [...groups].map(([since, topics]) => ({ topics, since }));
  }

  /**
   * The same with one group for all positions that are ids, at the oldest of them: for transports where a group costs a connection. What
   * the others have heard already comes again and is for the deduplicator.
   */
  mergedGroups() {
    const groups = this.groups();
    const at = groups.filter((group) => isId(group.since));
    if (at.length < 2) return groups;
    const since = at.map((group) => group.since).reduce((oldest, id) => (id < oldest ? id : oldest));
    return [{ topics: at.flatMap((group) => group.topics), since }, ...groups.filter((group) => !isId(group.since))];
  }
}
