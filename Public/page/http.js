import { CrierError } from "../crier/errors.js";

/**
 * Asks the server for JSON, with the session's cookie.
 * @param {string} address
 * @param {{method?: string, body?: unknown, signal?: AbortSignal}} [request]
 * @returns {Promise<unknown>} undefined where the answer has no body
 * @throws {CrierError} `network` where the server could not be reached or did not answer in full, else the server's own
 */
export async function askJSON(address, { method = "GET", body, signal } = {}) {
  let response;
  let json;
  try {
    response = await fetch(address, {
      method,
      signal,
      cache: "no-store",
      ...(body !== undefined && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    });
    if (response.status === 204) return undefined;
    json = await response.json().catch(() => null);
  } catch (cause) {
    throw new CrierError("network", "the server could not be reached", { cause });
  }
  if (response.ok && json !== null) return json;
  if (response.ok) throw new CrierError("network", "the answer broke off");
  throw CrierError.fromResponse(response.status, json, response.headers.get("Retry-After"), Date.now());
}
