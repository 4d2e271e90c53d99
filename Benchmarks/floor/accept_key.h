// The server's half of the WebSocket handshake (RFC 6455, 4.2.2): base64(SHA-1(key + GUID)).
#pragma once
#include <stddef.h>

enum { ACCEPT_KEY_LENGTH = 28 };

/// Writes the `Sec-WebSocket-Accept` value for a client's key of at most 64 characters, without a terminating zero.
void accept_key(const char *key, size_t length, char out[ACCEPT_KEY_LENGTH]);
