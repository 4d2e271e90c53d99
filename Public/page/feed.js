import { element } from "./element.js";
import { linksOf } from "./links.js";
import { age, latency } from "./words.js";

const LIMIT = 500;
/** Milliseconds between two fades at the least: a storm of alerts must not flicker. */
const FADE_PAUSE = 500;
const PRIORITIES = { 1: "whisper", 2: "low", 3: "", 4: "loud", 5: "urgent" };

/** The alerts, newest first: the last 500. Those that arrive together are put in together, once a frame. */
export class Feed {
  #list;
  #serverTime;
  #changed;
  /** Id → item, oldest first. */
  #items = new Map();
  #waiting = [];
  #scheduled = false;
  #topic = "*";
  #fadedAt = -Infinity;

  /** `serverTime()` is the time that ages are counted from; `changed(count)` is told how many alerts are shown. */
  constructor(list, { serverTime, changed }) {
    this.#list = list;
    this.#serverTime = serverTime;
    this.#changed = changed;
  }

  /** @param {number|undefined} delay how late the alert arrived, in milliseconds; undefined for one from before this page. */
  add(alert, delay) {
    this.#waiting.push({ alert, delay });
    if (this.#waiting.length > LIMIT) this.#waiting.shift();
    if (this.#scheduled) return;
    this.#scheduled = true;
    const schedule = document.hidden ? (callback) => setTimeout(callback, 250) : requestAnimationFrame;
    schedule(() => this.#insert());
  }

  /** Shows the alerts of one topic, or with `*` all. */
  show(topic) {
    this.#topic = topic;
    for (const item of this.#items.values()) item.hidden = !this.#shows(item);
    this.#tell();
  }

  /** Brings the ages up to date. */
  tick() {
    const now = this.#serverTime();
    for (const item of this.#items.values()) if (!item.hidden) tellAge(item, now);
  }

  #insert() {
    this.#scheduled = false;
    const now = this.#serverTime();
    const fragment = document.createDocumentFragment();
    for (const { alert, delay } of this.#waiting.splice(0)) {
      if (this.#items.has(alert.id)) continue;
      const item = itemOf(alert, delay);
      if (delay !== undefined && performance.now() - this.#fadedAt >= FADE_PAUSE) {
        this.#fadedAt = performance.now();
        item.classList.add("fresh");
      }
      item.hidden = !this.#shows(item);
      tellAge(item, now);
      this.#items.set(alert.id, item);
      fragment.prepend(item);
    }
    this.#list.prepend(fragment);
    for (const [id, item] of this.#items) {
      if (this.#items.size <= LIMIT) break;
      this.#items.delete(id);
      item.remove();
    }
    this.#tell();
  }

  #shows(item) {
    return this.#topic === "*" || item.dataset.topic === this.#topic;
  }

  #tell() {
    this.#changed([...this.#items.values()].filter((item) => !item.hidden).length);
  }
}

function itemOf(alert, delay) {
  const priority = Math.min(5, Math.max(1, Math.trunc(alert.priority) || 3));
  const links = linksOf(alert).map(({ label, href }) => {
    const link = element("a", "link", label);
    link.href = href;
    link.rel = "noopener noreferrer";
    link.target = "_blank";
    return link;
  });
  const tags = (Array.isArray(alert.tags) ? alert.tags : []).slice(0, 16).map((tag) => element("span", "tag", String(tag)));
  const when = element("time", "age");
  const at = new Date(alert.time_ms ?? alert.time * 1000);
  if (!Number.isNaN(at.getTime())) {
    when.dateTime = at.toISOString();
    when.title = at.toLocaleString();
  }
  const item = element(
    "li",
    "alert",
    element("p", "stamp", unseen("from "), alert.region || "–"),
    element(
      "div",
      "story",
      alert.title ? element("h3", "title", alert.title) : undefined,
      element("p", "text", String(alert.message ?? "")),
      element(
        "p",
        "meta",
        PRIORITIES[priority] ? element("span", "priority", PRIORITIES[priority]) : undefined,
        element("span", "topic", alert.topic),
        alert.sender ? element("span", "sender", unseen("from "), alert.sender) : undefined,
        when,
        delay === undefined ? undefined : element("span", "latency", unseen("arrived after "), latency(delay)),
        ...tags,
        ...links,
      ),
    ),
  );
  item.dataset.id = alert.id;
  item.dataset.topic = alert.topic;
  item.dataset.priority = priority;
  item.crierTime = at.getTime();
  return item;
}

const unseen = (text) => element("span", "unseen", text);

function tellAge(item, now) {
  const when = item.querySelector(".age");
  const text = age(now - item.crierTime);
  if (when.textContent !== text) when.textContent = text;
}
