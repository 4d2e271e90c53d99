const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LENGTH = 22;

/**
 * A random idempotency key: 22 base-62 characters, 130 bits. Bytes above the last multiple of 62 are thrown away, so that every
 * character is equally likely.
 * @param {(bytes: Uint8Array) => Uint8Array} getRandomValues
 */
export function randomKey(getRandomValues) {
  let key = "";
  while (key.length < LENGTH) {
    for (const byte of getRandomValues(new Uint8Array(LENGTH + 10))) {
      if (byte < 248 && key.length < LENGTH) key += ALPHABET[byte % 62];
    }
  }
  return key;
}
