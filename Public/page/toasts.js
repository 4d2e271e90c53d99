import { element } from "./element.js";

const SHOWN = 3;
const SECONDS = 6;
const URGENT_SECONDS = 12;

/**
 * Short notes of what arrives. Three at most: the rest of a burst is summed up in a fourth, so that neither eyes nor screen readers drown.
 * Urgent ones interrupt a screen reader, the others wait their turn.
 */
export class Toasts {
  #polite;
  #urgent;
  #shown = new Set();
  #more;
  #moreCount = 0;
  #counting;

  constructor({ polite, urgent }) {
    this.#polite = polite;
    this.#urgent = urgent;
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.clear());
  }

  add(alert) {
    const urgent = alert.priority === 5;
    const single = [...this.#shown].filter((entry) => entry !== this.#more);
    if (single.length >= SHOWN) {
      // An urgent one takes the place of one that is not.
      const least = urgent ? single.find((entry) => !entry.urgent) : undefined;
      if (least === undefined) {
        this.#sumUp();
        return;
      }
      least.remove();
    }
    const toast = element(
      "div",
      "toast",
      element("p", "toast-head", [alert.region, alert.topic].filter(Boolean).join(" · ")),
      element("p", "toast-text", alert.title || alert.message),
    );
    toast.dataset.priority = alert.priority ?? 3;
    this.#show(toast, urgent ? this.#urgent : this.#polite, urgent ? URGENT_SECONDS : SECONDS);
  }

  clear() {
    for (const { remove } of [...this.#shown]) remove();
  }

  #show(toast, place, seconds) {
    const close = element("button", "toast-close", "×");
    close.type = "button";
    close.setAttribute("aria-label", "Dismiss");
    toast.append(close);
    let timer;
    const entry = {
      toast,
      urgent: place === this.#urgent,
      remove: () => {
        clearTimeout(timer);
        this.#shown.delete(entry);
        if (this.#more === entry) {
          this.#more = undefined;
          this.#moreCount = 0;
        }
        toast.remove();
      },
    };
    const start = () => {
      clearTimeout(timer);
      timer = setTimeout(entry.remove, seconds * 1000);
    };
    toast.addEventListener("pointerenter", () => clearTimeout(timer));
    toast.addEventListener("pointerleave", start);
    toast.addEventListener("focusin", () => clearTimeout(timer));
    toast.addEventListener("focusout", start);
    close.addEventListener("click", entry.remove);
    this.#shown.add(entry);
    place.prepend(toast);
    start();
    return entry;
  }

  #sumUp() {
    this.#moreCount += 1;
    if (this.#more === undefined) {
      this.#more = this.#show(element("div", "toast toast-more", element("p", "toast-text", "and 1 more")), this.#polite, SECONDS);
      return;
    }
    // The number changes once a second at the most, since a screen reader may read every one of them out.
    this.#counting ??= setTimeout(() => {
      this.#counting = undefined;
      if (this.#more) this.#more.toast.querySelector(".toast-text").textContent = `and ${this.#moreCount} more`;
    }, 1000);
  }
}
