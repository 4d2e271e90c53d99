/**
 * What a close code asks for (docs/protocol.md, "Close codes").
 *
 * `resumable`: nothing is wrong with what was said; come back with the cursor. Otherwise the client still comes back, since a page cannot
 * do anything better, but reports an error and skips the short waits. `floor`: milliseconds to wait at the least. `ends`: coming back makes
 * no sense before somebody does something; the word is the code of the error that says so.
 * @param {number} code
 * @returns {{resumable: boolean, floor: number, meaning: string, ends?: string}}
 */
export function closeCode(code) {
  const known = CODES.get(code);
  if (known) return known;
  return { resumable: true, floor: 0, meaning: "the connection was closed" };
}

const resumable = (meaning, floor = 0) => ({ resumable: true, floor, meaning });
const fault = (meaning) => ({ resumable: false, floor: 0, meaning });

const CODES = new Map([
  [1000, resumable("the connection was closed")],
  [1001, resumable("the VM is leaving")],
  [1002, fault("the server found a protocol error")],
  [1003, fault("the server cannot take this kind of data")],
  [1006, resumable("the connection was lost")],
  [1007, fault("the server could not read a message")],
  [1008, fault("the server refused by policy")],
  [1009, fault("a message was too large")],
  [1012, resumable("the VM restarts")],
  [1013, resumable("the server is busy")],
  [4008, resumable("this reader was too slow")],
  [4012, resumable("no answer to the server's pings")],
  [4029, resumable("too many requests", 10_000)],
  [4401, { ...fault("signed out"), ends: "signed-out" }],
]);
