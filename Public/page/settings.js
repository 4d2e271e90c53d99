/** Remembers switches in this browser. Storage may be forbidden; then nothing is remembered, and that is all. */
export const settings = {
  read(name) {
    return attempt(() => localStorage.getItem(`crier.${name}`)) === "on";
  },
  write(name, on) {
    attempt(() => localStorage.setItem(`crier.${name}`, on ? "on" : "off"));
  },
};

/** The publish token, until the tab is closed. */
export const token = {
  read: () => attempt(() => sessionStorage.getItem("crier.token")) ?? undefined,
  write: (value) => attempt(() => sessionStorage.setItem("crier.token", value)),
};

function attempt(access) {
  try {
    return access();
  } catch {
    return undefined;
  }
}
