// How each kind of server is asked to give and to take alerts.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "options.h"

struct dialect {
    /// Its stream is WebSocket frames; otherwise server-sent events in a plain response.
    bool has_frames;
    /// A frame holds exactly one alert; otherwise any number of them follow each other.
    bool has_one_alert_a_frame;
    /// What a reader sends once its handshake is answered, or NULL.
    const char *hello;
    /// What comes when a reader is subscribed, or NULL if the answered handshake says so.
    const char *ready;
    /// Bytes of an incomplete frame or event that may have to be kept.
    size_t rest;
    /// Publishes are HTTP requests instead of frames.
    bool publishes_by_http;
    /// The path of a publishing WebSocket, and what it sends first, or NULL.
    const char *publisher_path, *publisher_hello;
    /// The path of a WebSocket that gets no alerts, or NULL if the server has none.
    const char *quiet_path;
};

const struct dialect *dialect_of(enum protocol protocol);

/// A reader's request. `since` is a cursor or empty.
int reader_request(char *out, size_t capacity, const struct options *options, int reader, const char *since);

/// The bytes that publish a text; `out` has room for twice MAX_PAYLOAD. `topic` and `ref` are for Crier and nchan;
/// `ref` may be NULL.
size_t
publish_write(char *out, enum protocol protocol, const char *topic, const char *text, size_t length, const char *ref);

/// An HTTP request that publishes a text. `header` is a line among its headers, or empty.
size_t post_write(
    char *out, enum protocol protocol, const char *topic, const char *header, const char *text, size_t length);
