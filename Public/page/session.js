import { askJSON } from "./http.js";

/**
 * Who is signed in: `{user: {name, expires} | null, methods: ["name" | "password" | "token"]}`.
 * The cookie is the server's, and no script sees it.
 */
export const session = {
  read: () => askJSON("/session"),
  /** @param {{name: string, password?: string} | {token: string}} credentials */
  signIn: (credentials) => askJSON("/session", { method: "POST", body: credentials }),
  /** Everywhere: other tabs lose their rooms as well. */
  signOut: () => askJSON("/session", { method: "DELETE" }),
};
