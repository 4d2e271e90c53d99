import { span } from "../words.js";

/** What `/me waves` does, or undefined for what is simply said. */
export function actionOf(text) {
  const [, action] = /^\/me\s+(\S[^]*)$/.exec(text) ?? [];
  return action;
}

const NAMED = 3;

/** `ada`, `ada and grace`, `ada, grace and 3 others`. */
export function names(list) {
  if (list.length <= 1) return list[0] ?? "";
  const named = list.length <= NAMED ? list.slice(0, -1) : list.slice(0, NAMED - 1);
  const rest = list.length - named.length;
  return `${named.join(", ")} and ${rest === 1 ? list.at(-1) : `${rest} others`}`;
}

/** What to tell someone whose message did not get out. */
export function refusal(error) {
  const wait = error.retryAfter > 0 ? ` Try again in ${span(Math.ceil(error.retryAfter))}.` : "";
  if (error.http === 401 || error.code === "signed-out") return "Not sent: you were signed out.";
  if (error.http === 429) return `Not sent: too many messages at once.${wait}`;
  if (error.http === 503) return `Not sent: the server cannot take it just now.${wait}`;
  if (error.code === "unconfirmed") return "No answer came. It may have been heard or not.";
  if (error.code === "outbox-full") return "Not sent: too many messages are waiting for the connection.";
  return `Not sent: ${error.message}.`.replace("..", ".");
}

/** Whether a message that failed so may be in the log all the same. */
export const mayBeRaised = (error) => ["unconfirmed", "signed-out", "closed"].includes(error.code);
