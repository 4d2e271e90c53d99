#include "websocket.h"

#include <stdio.h>

size_t frame_write(char *out, enum opcode opcode, const char *payload, size_t length) {
    // Constant: a mask protects proxies from what browsers send, and there are none here.
    static const unsigned char mask[4] = {0x5a, 0x17, 0xc3, 0x2e};
    size_t at = 0;
    out[at++] = (char)(0x80 | opcode);
    if (length < 126) {
        out[at++] = (char)(0x80 | length);
    } else {
        out[at++] = (char)(0x80 | 126);
        out[at++] = (char)(length >> 8);
        out[at++] = (char)length;
    }
    for (int i = 0; i < 4; i++) out[at++] = (char)mask[i];
    for (size_t i = 0; i < length; i++) out[at++] = (char)(payload[i] ^ mask[i & 3]);
    return at;
}

int handshake_write(char *out, size_t capacity, const char *path, const char *more_headers) {
    return snprintf(
        out, capacity,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: Y3JpZXIncyBsb2FkIHRvbA==\r\n%s\r\n",
        path, more_headers);
}
