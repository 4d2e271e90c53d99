/** Fills in the dateline that all pages share: today's date, and who is signed in. */
export class Dateline {
  #parts;

  /** @param {{date: Element, whoami: Element, user: Element, signIn?: Element}} parts elements; `signIn` is shown to
   *   those who are not */
  constructor(parts) {
    this.#parts = parts;
    parts.date.textContent = new Date().toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
  }

  /** @param {{name: string} | null} user */
  show(user) {
    const { whoami, user: name, signIn } = this.#parts;
    whoami.hidden = user === null;
    name.textContent = user?.name ?? "";
    if (signIn) signIn.hidden = user !== null;
  }
}
