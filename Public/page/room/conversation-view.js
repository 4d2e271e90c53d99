import { element } from "../element.js";
import { KeyedList } from "../keyed-list.js";
import { actionOf } from "./words.js";

/** Milliseconds within which the next message of the same person needs no name above it. */
const BREATH = 180_000;

/** Shows a conversation, and stays at its end unless somebody scrolled up to read. */
export class ConversationView {
  #parts;
  #list;
  #scheduled = false;
  #conversation;
  /** Whether the newest message is in sight, or was when something came. */
  #atEnd = true;
  #below = 0;

  /**
   * @param {{log: Element, list: Element, newer: Element, quiet: Element}} parts the scrolled log, its list, the button that leads to its end,
   *   and what stands there while nothing was said
   * @param {{conversation: import("./conversation.js").Conversation, retry: (message: object) => void}} with
   */
  constructor(parts, { conversation, retry }) {
    this.#parts = parts;
    this.#conversation = conversation;
    this.#list = new KeyedList(parts.list, { make: (item) => made(item, retry), update });
    parts.log.addEventListener("scroll", () => this.#scrolled());
    new ResizeObserver(() => this.#atEnd && this.#toEnd()).observe(parts.log);
    parts.newer.addEventListener("click", () => {
      this.toEnd();
      parts.log.focus();
    });
  }

  /** Shows what there is, once a frame at the most. `news` is how many messages of others came. */
  show(news = 0) {
    if (!this.#atEnd) this.#below += news;
    if (this.#scheduled) return;
    this.#scheduled = true;
    const schedule = document.hidden ? (callback) => setTimeout(callback, 250) : requestAnimationFrame;
    schedule(() => {
      this.#scheduled = false;
      this.#draw();
    });
  }

  toEnd() {
    this.#atEnd = true;
    this.#toEnd();
  }

  #draw() {
    const { items } = this.#conversation;
    let before;
    this.#list.show(
      items.map((item) => {
        const shown = { key: item.key, item, continued: continues(before, item), day: dayBetween(before, item) };
        before = item;
        return shown;
      }),
    );
    this.#parts.quiet.hidden = items.some(({ kind }) => kind === "message");
    if (this.#atEnd) this.#toEnd();
    this.#tellBelow();
  }

  #toEnd() {
    this.#parts.log.scrollTop = this.#parts.log.scrollHeight;
    this.#below = 0;
    this.#tellBelow();
  }

  #scrolled() {
    const { log } = this.#parts;
    this.#atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 48;
    if (this.#atEnd) this.#below = 0;
    this.#tellBelow();
  }

  #tellBelow() {
    const { newer } = this.#parts;
    newer.hidden = this.#below === 0;
    newer.textContent = this.#below === 1 ? "1 new message ↓" : `${this.#below} new messages ↓`;
  }
}

const continues = (before, item) =>
  before?.kind === "message" && item.kind === "message" && before.sender === item.sender && actionOf(before.text) === undefined &&
  actionOf(item.text) === undefined && item.time - before.time < BREATH && dayBetween(before, item) === undefined;

/** The day, where it is another than the one before. */
function dayBetween(before, { time }) {
  if (!Number.isFinite(time) || !Number.isFinite(before?.time)) return undefined;
  const day = new Date(time).toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long" });
  return day === new Date(before.time).toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long" }) ? undefined : day;
}

function made(shown, retry) {
  const { item } = shown;
  if (item.kind === "line") return element("li", "aside", element("p", "aside-text", item.text));
  const action = actionOf(item.text);
  const state = element("p", "said-state");
  const again = element("button", "text-button", "Send again");
  again.type = "button";
  again.addEventListener("click", () => retry(item));
  const said = element(
    "li",
    item.own ? "said own" : "said",
    element("time", "said-at"),
    element(
      "div",
      "said-body",
      action === undefined ? element("p", "said-by", element("b", "", item.sender), item.own ? " (you)" : undefined) : undefined,
      element("p", action === undefined ? "said-text" : "said-text said-action", action === undefined ? item.text : `* ${item.sender} ${action}`),
      state,
    ),
  );
  said.crierParts = { state, again, words: element("span", "") };
  return said;
}

function update(said, { item, continued, day }) {
  if (said.dataset.day !== day) {
    if (day === undefined) delete said.dataset.day;
    else said.dataset.day = day;
  }
  if (item.kind === "line") return;
  said.classList.toggle("continued", continued);
  tellTime(said.firstElementChild, item.time);
  if (item.id !== undefined && said.dataset.id !== item.id) said.dataset.id = item.id;
  const saying = `${item.state} ${item.reason ?? ""}`;
  if (said.crierSaying === saying) return;
  said.crierSaying = saying;
  said.dataset.state = item.state;
  const { state, again, words } = said.crierParts;
  words.textContent = item.state === "pending" ? "sending…" : (item.reason ?? "");
  if (item.state === "sent") state.replaceChildren();
  else if (item.state === "pending") state.replaceChildren(words);
  else state.replaceChildren(words, " ", again);
}

function tellTime(element, time) {
  const at = new Date(time);
  if (Number.isNaN(at.getTime()) || element.dateTime === at.toISOString()) return;
  element.dateTime = at.toISOString();
  element.title = at.toLocaleString();
  element.textContent = at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}
