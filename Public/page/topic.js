/** Names that are routes of the server (docs/protocol.md, "Words"). */
const ROUTES = "assets docs errors health lobby login logout metrics ready rooms session v1 ws".split(" ");

export const DEFAULT_TOPIC = "alien-landings";

export const isTopic = (name) => /^[-_A-Za-z0-9]{1,64}$/.test(name) && !ROUTES.includes(name);

/** The topic that a page's path names; the default for `/` and anything else. */
export function topicOf(pathname) {
  const name = pathname.replace(/^\/|\/$/g, "");
  return isTopic(name) ? name : DEFAULT_TOPIC;
}
