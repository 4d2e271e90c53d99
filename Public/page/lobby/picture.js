import { span } from "../words.js";

/** Milliseconds after which the picture is called old: two answers are missing. */
const OLD = 6000;

/**
 * How fresh the lobby's picture is, in the words of the masthead's ear.
 * @param {{answeredAt?: number, failing: boolean}} poll
 * @param {number} now Unix milliseconds
 * @returns {{state: "connecting" | "live" | "stale", note: string}}
 */
export function freshness({ answeredAt, failing }, now) {
  if (answeredAt === undefined) return { state: "connecting", note: failing ? "the server does not answer" : "calling the server" };
  const old = now - answeredAt;
  if (!failing && old < OLD) return { state: "live", note: "seen just now" };
  return { state: "stale", note: `this picture is ${span(old / 1000)} old` };
}
