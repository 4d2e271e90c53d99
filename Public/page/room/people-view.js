import { element } from "../element.js";
import { KeyedList } from "../keyed-list.js";

/** The list of who is in the room, oneself first. */
export class PeopleView {
  #list;
  #count;
  #me;

  /** @param {{list: Element, count: Element, me: string}} parts */
  constructor({ list, count, me }) {
    this.#me = me;
    this.#count = count;
    this.#list = new KeyedList(list, {
      make: ({ name }) =>
        name === me ? element("li", "person own", name, element("span", "person-note", " (you)")) : element("li", "person", name),
      update: () => {},
    });
  }

  show(people) {
    const own = people.filter(({ name }) => name === this.#me);
    const others = people.filter(({ name }) => name !== this.#me);
    this.#list.show([...own, ...others].map(({ name }) => ({ key: name, name })));
    const count = String(people.length);
    if (this.#count.textContent !== count) this.#count.textContent = count;
  }
}
