/** Where to go when nothing else was asked for. */
export const LOBBY = "/lobby";

/**
 * The sign-in page, which leads on to `next`.
 * @param {string} next a path of this server
 * @param {"signed-out"} [why] what it should say first
 */
export function loginAddress(next, why) {
  const query = new URLSearchParams({ next });
  if (why !== undefined) query.set("why", why);
  return `/login?${query}`;
}

/**
 * The path that `?next=` names, if it stays on this server; else the lobby. An address that leads elsewhere would let a link to the sign-in
 * page send people to a copy of it.
 * @param {string} search
 * @param {string} origin
 */
export function nextOf(search, origin) {
  const next = new URLSearchParams(search).get("next") ?? LOBBY;
  try {
    const url = new URL(next, origin);
    return next.startsWith("/") && url.origin === origin ? url.pathname + url.search + url.hash : LOBBY;
  } catch {
    return LOBBY;
  }
}
