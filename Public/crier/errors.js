/** What went wrong, with a code: the server's number, or one of the client's own words. */
export class CrierError extends Error {
  /**
   * @param {number|string} code the server's error code (docs/protocol.md, "Errors"), or `outbox-full`, `unconfirmed`, `network`,
   *   `closed`, `connection-closed`, `signed-out`, `bad-frame`.
   * @param {string} message what happened, in words.
   * @param {{http?: number, retryAfter?: number, link?: string, cause?: unknown}} [more]
   */
  constructor(code, message, { http, retryAfter, link, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "CrierError";
    this.code = code;
    /** The HTTP status that goes with the error; undefined for the client's own. */
    this.http = http;
    /** Seconds after which trying again makes sense. */
    this.retryAfter = retryAfter;
    this.link = link;
  }

  /** Whether the same request may succeed later: the server is busy or away, or was not reached. */
  get retryable() {
    return this.code === "network" || [429, 502, 503, 504].includes(this.http);
  }

  /** The error that an `error` frame carries. */
  static fromFrame(frame) {
    return new CrierError(frame.code ?? 0, frame.error ?? "the server refused without saying why", {
      http: frame.http,
      retryAfter: seconds(frame.retry_after),
      link: frame.link,
    });
  }

  /**
   * The error that an HTTP response carries. A proxy's answer has no JSON of ours; then the status has to do.
   * @param {number} status
   * @param {unknown} body the parsed JSON, if there was any.
   * @param {string|null} retryAfter the `Retry-After` header.
   * @param {number} now milliseconds, for a `Retry-After` that is a date.
   */
  static fromResponse(status, body, retryAfter, now) {
    const json = body !== null && typeof body === "object" ? body : {};
    return new CrierError(json.code ?? status * 100, json.error ?? `the server answered with status ${status}`, {
      http: json.http ?? status,
      retryAfter: seconds(json.retry_after) ?? retryAfterSeconds(retryAfter, now),
      link: json.link,
    });
  }
}

function seconds(value) {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) && number >= 0 ? number : undefined;
}

/** `Retry-After` is seconds or a date (RFC 9110, 10.2.3). */
function retryAfterSeconds(header, now) {
  if (header === null || header === undefined) return undefined;
  const plain = seconds(header);
  if (plain !== undefined) return plain;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
}
