import { asking } from "./affinity.js";
import { CrierError } from "./errors.js";

/** Milliseconds that one request may take; the outbox repeats it with the same key. */
const REQUEST_TIMEOUT = 15_000;

/**
 * Publishes over HTTP: `POST /` with JSON (docs/protocol.md, "Publishing").
 * @param {{fetch: typeof fetch, setTimeout: Function, clearTimeout: Function, now: () => number}} environment
 * @param {URL} base the server
 * @param {object} body the alert with its topic and key
 * @param {string} [token]
 * @param {{vm?: string, region?: string}} [affinity] the VM to ask for
 * @returns {Promise<object>} the alert as the server answered it
 * @throws {CrierError}
 */
export async function publishOverHTTP(environment, base, body, token, affinity) {
  const controller = new AbortController();
  const timer = environment.setTimeout(() => controller.abort(), REQUEST_TIMEOUT);
  let response;
  let json;
  try {
    const headers = { "Content-Type": "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    // A relative name, so that a server below a path is reached there.
    response = await environment.fetch(asking(new URL("./", base), affinity).href, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      signal: controller.signal,
      cache: "no-store",
    });
    json = await response.json().catch(() => null);
  } catch (cause) {
    throw new CrierError("network", "the server could not be reached", { cause });
  } finally {
    environment.clearTimeout(timer);
  }
  if (response.ok && json !== null) return json;
  if (response.ok) throw new CrierError("network", "the answer broke off");
  throw CrierError.fromResponse(response.status, json, response.headers.get("Retry-After"), environment.now());
}
