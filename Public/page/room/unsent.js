const SHOWN_AGAIN = 50;

/**
 * What somebody has written and nobody has confirmed, kept in this tab's storage: the draft, and messages with their keys. It outlives a
 * reload and a sign-in as the same person. Storage may be forbidden; then nothing is kept, and that is all.
 */
export class Unsent {
  #storage;
  #key;

  /** @param {{storage: () => Storage, room: string, user: string}} options `storage` may throw */
  constructor({ storage, room, user }) {
    this.#storage = storage;
    this.#key = `crier.unsent.${room}.${user}`;
  }

  /** @returns {{draft: string, messages: {key: string, text: string, time: number}[]}} */
  read() {
    try {
      const { draft, messages } = JSON.parse(this.#storage().getItem(this.#key));
      return { draft: String(draft), messages: messages.filter(isMessage).slice(-SHOWN_AGAIN) };
    } catch {
      return { draft: "", messages: [] };
    }
  }

  write(draft, messages) {
    try {
      if (draft === "" && messages.length === 0) return this.forget();
      const kept = messages.slice(-SHOWN_AGAIN).map(({ key, text, startedAt }) => ({ key, text, time: startedAt }));
      this.#storage().setItem(this.#key, JSON.stringify({ draft, messages: kept }));
    } catch {
      // Full or forbidden.
    }
  }

  forget() {
    try {
      this.#storage().removeItem(this.#key);
    } catch {
      // Forbidden.
    }
  }
}

const isMessage = (value) => typeof value?.key === "string" && typeof value.text === "string" && Number.isFinite(value.time);
