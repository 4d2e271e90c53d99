/**
 * The children of an element, one for each item. Elements stay while their items do and move only where they have to, so that focus and
 * selection are not lost.
 */
export class KeyedList {
  #parent;
  #make;
  #update;
  /** Key → element. */
  #elements = new Map();

  /**
   * @param {Element} parent which has no other children
   * @param {{make: (item: any) => Element, update: (element: any, item: any) => void}} how
   */
  constructor(parent, { make, update }) {
    this.#parent = parent;
    this.#make = make;
    this.#update = update;
  }

  /** @param {{key: string}[]} items in order, each key once */
  show(items) {
    const wanted = new Set(items.map(({ key }) => key));
    for (const [key, element] of this.#elements) {
      if (wanted.has(key)) continue;
      this.#elements.delete(key);
      element.remove();
    }
    let next = this.#parent.firstElementChild;
    for (const item of items) {
      let element = this.#elements.get(item.key);
      if (element === undefined) {
        element = this.#make(item);
        this.#elements.set(item.key, element);
      }
      this.#update(element, item);
      if (element === next) next = next.nextElementSibling;
      else this.#parent.insertBefore(element, next);
    }
  }
}
