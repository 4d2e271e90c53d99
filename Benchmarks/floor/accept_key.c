#include "accept_key.h"

#include <stdint.h>
#include <string.h>

static uint32_t rotated(uint32_t word, int bits) {
    return word << bits | word >> (32 - bits);
}

/// One 64-byte block of SHA-1 (FIPS 180-4, 6.1.2).
static void sha1_block(uint32_t state[5], const unsigned char *block) {
    uint32_t w[80];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
            block[4 * i + 3];
    for (int i = 16; i < 80; i++) w[i] = rotated(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 80; i++) {
        uint32_t f, k;
        if (i < 20) f = (b & c) | (~b & d), k = 0x5a827999;
        else if (i < 40) f = b ^ c ^ d, k = 0x6ed9eba1;
        else if (i < 60) f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
        else f = b ^ c ^ d, k = 0xca62c1d6;
        uint32_t next = rotated(a, 5) + f + e + k + w[i];
        e = d, d = c, c = rotated(b, 30), b = a, a = next;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

void accept_key(const char *key, size_t length, char out[ACCEPT_KEY_LENGTH]) {
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char message[128] = {0};
    if (length > 64) length = 64;
    memcpy(message, key, length);
    memcpy(message + length, guid, sizeof guid - 1);
    size_t bytes = length + sizeof guid - 1;
    message[bytes] = 0x80;
    size_t padded = bytes + 9 <= 64 ? 64 : 128;
    message[padded - 2] = (unsigned char)(bytes * 8 >> 8);
    message[padded - 1] = (unsigned char)(bytes * 8);

    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    for (size_t at = 0; at < padded; at += 64) sha1_block(state, message + at);

    unsigned char digest[21] = {0};
    for (int i = 0; i < 20; i++) digest[i] = (unsigned char)(state[i / 4] >> (24 - 8 * (i % 4)));
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < 7; i++) {
        uint32_t triple = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
        for (int j = 0; j < 4; j++) out[4 * i + j] = digits[triple >> (18 - 6 * j) & 63];
    }
    out[27] = '=';
}
