// The client's side of RFC 6455, as far as a load tool needs it.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum opcode { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

/// The most bytes that a header of ours takes.
enum { MAX_CLIENT_HEADER = 8 };

struct frame {
    enum opcode opcode;
    const char *payload;
    size_t length;
    /// Header and payload.
    size_t size;
};

/// The frame that the bytes begin with; false while it is not complete.
static inline bool frame_read(const char *bytes, size_t length, struct frame *out) {
    const unsigned char *head = (const unsigned char *)bytes;
    if (length < 2) return false;
    size_t payload = head[1] & 127, header = 2;
    if (payload == 126) {
        if (length < 4) return false;
        payload = (size_t)head[2] << 8 | head[3];
        header = 4;
    } else if (payload == 127) {
        if (length < 10) return false;
        payload = 0;
        for (int i = 2; i < 10; i++) payload = payload << 8 | head[i];
        header = 10;
    }
    if (length < header || length - header < payload) return false;
    *out =
        (struct frame){.opcode = head[0] & 15, .payload = bytes + header, .length = payload, .size = header + payload};
    return true;
}

/// Writes one masked frame of less than 64 KiB and says how long it is.
size_t frame_write(char *out, enum opcode opcode, const char *payload, size_t length);

/// Writes a handshake's request and says how long it is.
int handshake_write(char *out, size_t capacity, const char *path, const char *more_headers);
