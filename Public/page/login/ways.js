import { span } from "../words.js";

/** What each way of signing in asks for. */
const WAYS = { name: ["name"], password: ["name", "password"], token: ["token"] };

export const wayNamed = (method) => (Object.hasOwn(WAYS, method) ? method : undefined);

export const fieldsOf = (method) => (wayNamed(method) === undefined ? [] : WAYS[method]);

const NAME = /^[\p{L}\p{M}\p{N} _.'-]{1,32}$/u;

/**
 * What to send, or which field is missing or wrong and what to say about it.
 * @returns {{credentials?: object, missing?: string, says?: string}}
 */
export function credentialsOf(method, { name, password, token }) {
  const given = { name: name.trim(), password, token: token.trim() };
  const fields = fieldsOf(method);
  if (fields.includes("name")) {
    if (given.name === "") return { missing: "name", says: "Write the name that the others should know you by." };
    if (!NAME.test(given.name)) return { missing: "name", says: "A name has up to 32 letters, digits, spaces and - _ . '" };
  }
  const missing = fields.find((field) => given[field] === "");
  if (missing !== undefined) return { missing, says: `The ${missing} is missing.` };
  return { credentials: Object.fromEntries(fields.map((field) => [field, given[field]])) };
}

/** What to tell someone who was not let in. */
export function refusal(error, method) {
  if (error.http === 401) {
    return method === "token" ? `The token was not accepted: ${error.message}.` : "The name and the password do not go together.";
  }
  if (error.http === 429) return `Too many tries.${error.retryAfter > 0 ? ` Try again in ${span(Math.ceil(error.retryAfter))}.` : ""}`;
  if (error.code === "network") return "The server could not be reached. Try again.";
  return `Not signed in: ${error.message}.`.replace("..", ".");
}
