const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago something was, in words: `now`, `3 s ago`, `4 min ago`. */
export function age(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 1) return "now";
  return `${span(seconds)} ago`;
}

/** A span of whole seconds in its largest unit: `59 s`, `3 min`, `2 h`, `4 d`. */
export function span(seconds) {
  if (seconds < MINUTE) return `${Math.floor(seconds)} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h`;
  return `${Math.floor(seconds / DAY)} d`;
}

/** A latency: `42 ms`, `1.3 s`, `2 min`. */
export function latency(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return span(milliseconds / 1000);
}

/** What to tell someone whose alert was refused. */
export function refusal(error) {
  const wait = error.retryAfter > 0 ? ` Try again in ${span(Math.ceil(error.retryAfter))}.` : "";
  if (error.http === 401) return "Refused: the publish token is missing or wrong.";
  if (error.http === 429) return `Too many alerts at once.${wait}`;
  if (error.http === 503) return `The server cannot take alerts just now.${wait}`;
  if (error.code === "unconfirmed") return "No answer came. The alert may have been heard or not.";
  if (error.code === "outbox-full") return "Too many alerts are waiting for the connection. This one was not taken.";
  return `Refused: ${error.message}.${wait}`.replace("..", ".");
}

/** A number with its word: `1 person`, `3 people`. */
export const counted = (number, one, many) => `${number.toLocaleString()} ${number === 1 ? one : many}`;
