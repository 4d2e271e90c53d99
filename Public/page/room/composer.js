/** The bytes that a message may have (docs/protocol.md, "Limits"), and from how many on the count is shown. */
export const MOST_BYTES = 4096;
const COUNTED_FROM = 3500;

export const bytesOf = (text) => new TextEncoder().encode(text).length;

/** The message without what nobody sees: empty lines before it, blanks after it. */
export const trimmed = (text) => text.trimEnd().replace(/^(?:[^\S\n]*\n)+/, "");

/** Where messages are written: Enter sends, Shift and Enter begin a new line. What is too long stays until it is shorter. */
export class Composer {
  #parts;
  #send;
  #changed;

  /**
   * @param {{form: HTMLFormElement, text: HTMLTextAreaElement, hint: Element, announcer: Element}} parts `hint` follows every key, so what a
   *   screen reader has to say at once goes to the announcer
   * @param {{send: (text: string) => void, changed: (text: string) => void}} told
   */
  constructor(parts, { send, changed }) {
    this.#parts = parts;
    this.#send = send;
    this.#changed = changed;
    parts.text.addEventListener("input", () => this.#tell());
    parts.text.addEventListener("keydown", (event) => {
      // Enter also ends the composition of a character.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    parts.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  get text() {
    return this.#parts.text.value;
  }

  set text(text) {
    this.#parts.text.value = text;
    this.#tell();
  }

  focus() {
    this.#parts.text.focus();
  }

  #submit() {
    const text = trimmed(this.text);
    this.focus();
    if (text === "") return;
    if (bytesOf(text) > MOST_BYTES) {
      this.#parts.announcer.textContent = this.#parts.hint.textContent;
      return;
    }
    this.text = "";
    this.#send(text);
  }

  #tell() {
    const { text, hint } = this.#parts;
    const bytes = bytesOf(trimmed(this.text));
    const over = bytes - MOST_BYTES;
    const says =
      over > 0
        ? `Too long by ${over} ${over === 1 ? "byte" : "bytes"}. Make it shorter to send it.`
        : bytes >= COUNTED_FROM
          ? `${bytes} of ${MOST_BYTES} bytes`
          : "";
    if (hint.textContent !== says) hint.textContent = says;
    hint.dataset.over = String(over > 0);
    text.setAttribute("aria-invalid", String(over > 0));
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight + 2}px`;
    this.#changed(this.text);
  }
}
