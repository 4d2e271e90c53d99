import { span } from "./words.js";

const TRANSPORTS = { websocket: "WebSocket", sse: "Server-Sent Events" };
/** What a screen reader hears once when the state changes; the ticking seconds are for the eyes. */
const SPOKEN = {
  live: "Live.",
  resuming: "Connection lost, reconnecting.",
  stale: "Alerts may come late.",
  offline: "Offline.",
};

/** The ears of the masthead: how the connection is, and which VM it goes to. */
export class Wire {
  #crier;
  #parts;
  #spoken = "connecting";

  /** @param {{state, word, note, region, vm, transport, announcer}} parts elements */
  constructor(crier, parts) {
    this.#crier = crier;
    this.#parts = parts;
  }

  tick() {
    const crier = this.#crier;
    const parts = this.#parts;
    parts.state.dataset.state = crier.state;
    tell(parts.word, crier.state);
    tell(parts.note, this.#note());
    tell(parts.region, crier.region ?? "–");
    tell(parts.vm, crier.vm ? `VM ${crier.vm.slice(0, 14)}` : "no VM yet");
    parts.transport.dataset.transport = crier.transport;
    tell(parts.transport, TRANSPORTS[crier.transport]);
    if (crier.state === this.#spoken) return;
    this.#spoken = crier.state;
    tell(parts.announcer, SPOKEN[crier.state] ?? "");
  }

  #note() {
    const crier = this.#crier;
    const waiting = crier.pending > 0 ? `, ${crier.pending} to send` : "";
    switch (crier.state) {
      case "live":
        return crier.pending > 0 ? `${crier.pending} to send` : `for ${span((Date.now() - crier.stateSince) / 1000)}`;
      case "stale":
        return `for ${span(crier.staleFor)}, alerts may be late${waiting}`;
      case "offline":
        return `no network${waiting || ", waiting for it"}`;
      case "closed":
        return "reload to reconnect";
      default: {
        const left = crier.nextAttemptAt === undefined ? 0 : Math.ceil((crier.nextAttemptAt - Date.now()) / 1000);
        return (left > 0 ? `next try in ${span(left)}` : "calling the server") + waiting;
      }
    }
  }
}

function tell(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
