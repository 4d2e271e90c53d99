/** The address, if it is one that may be followed: `http` or `https` and nothing else, whatever an alert says. */
export function safeLink(address) {
  if (typeof address !== "string") return undefined;
  try {
    const { protocol, href } = new URL(address);
    return protocol === "http:" || protocol === "https:" ? href : undefined;
  } catch {
    return undefined;
  }
}

/** The links that an alert carries: its `click` and its `view` actions, as `{label, href}`. */
export function linksOf(alert) {
  const actions = Array.isArray(alert.actions) ? alert.actions : [];
  const views = actions.filter((action) => action?.action === "view").map(({ label, url }) => ({ label: String(label ?? "open"), href: safeLink(url) }));
  const click = safeLink(alert.click);
  return [...(click ? [{ label: new URL(click).host, href: click }] : []), ...views].filter(({ href }) => href);
}
