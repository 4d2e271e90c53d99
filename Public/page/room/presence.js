/** Milliseconds for which somebody who is missing may still be reconnecting. */
const GRACE = 5000;

/**
 * Who is in the room, and who came and left, worked out from complete lists. Who is here is as the newest list says; that somebody left is
 * known only when they are still missing five seconds later, so that a connection that comes back is neither a leave nor a join.
 */
export class Presence {
  /** Name → {since, missingSince?}. Undefined before the first list, in which nobody comes: they were here. */
  #people;

  /** @returns {{name: string, since: number}[]} who has been here longest first */
  get people() {
    return [...(this.#people ?? [])]
      .filter(([, { missingSince }]) => missingSince === undefined)
      .map(([name, { since }]) => ({ name, since }))
      .sort((a, b) => a.since - b.since || (a.name < b.name ? -1 : 1));
  }

  /**
   * A complete list, heard at `now`.
   * @param {{name: string, since: number}[]} list
   * @returns {string[]} who came
   */
  heard(list, now) {
    const before = this.#people;
    const people = new Map();
    for (const { name, since } of list) people.set(name, { since: Math.min(since, people.get(name)?.since ?? Infinity) });
    const came = before === undefined ? [] : [...people.keys()].filter((name) => !before.has(name));
    for (const [name, person] of before ?? []) {
      if (!people.has(name)) people.set(name, { ...person, missingSince: person.missingSince ?? now });
    }
    this.#people = people;
    return came;
  }

  /** @returns {string[]} who has left, since nobody has seen them for long enough */
  left(now) {
    const gone = [...(this.#people ?? [])].filter(([, { missingSince }]) => now - missingSince >= GRACE).map(([name]) => name);
    for (const name of gone) this.#people.delete(name);
    return gone;
  }
}
