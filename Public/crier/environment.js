/**
 * Everything that the client takes from its surroundings, so that tests can give it a world of their own. `page` is what fires
 * `online`, `offline` and `pageshow`; `document` fires `visibilitychange`.
 */
export function environment(given = {}) {
  const root = globalThis;
  return {
    WebSocket: root.WebSocket,
    EventSource: root.EventSource,
    // Wrapped: browsers want these called on their own global.
    fetch: (...request) => root.fetch(...request),
    setTimeout: (callback, milliseconds) => root.setTimeout(callback, milliseconds),
    clearTimeout: (timer) => root.clearTimeout(timer),
    now: () => Date.now(),
    random: () => Math.random(),
    getRandomValues: (bytes) => root.crypto.getRandomValues(bytes),
    page: typeof root.addEventListener === "function" ? root : undefined,
    document: root.document,
    navigator: root.navigator,
    ...given,
  };
}

/** The transports that these surroundings have. */
export function transports({ WebSocket, EventSource }) {
  return [WebSocket && "websocket", EventSource && "sse"].filter(Boolean);
}
