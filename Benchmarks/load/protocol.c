#include "protocol.h"

#include <stdio.h>
#include <string.h>

#include "payload.h"
#include "websocket.h"

static const struct dialect dialects[] = {
    [CRIER] =
        {.has_frames = true,
         .has_one_alert_a_frame = true,
         .ready = "\"event\":\"open\"",
         .rest = 1 << 13,
         .publisher_path = "/ws",
         .quiet_path = "/quiet/ws"},
    [CRIER_SSE] = {.ready = "\"event\":\"open\"", .rest = 1 << 13, .publisher_path = "/ws", .quiet_path = "/quiet/ws"},
    [RELAY] =
        {.has_frames = true,
         .has_one_alert_a_frame = true,
         .rest = 1 << 13,
         .publisher_path = "/publish",
         .quiet_path = "/quiet"},
    [NATS] =
        {.has_frames = true,
         .hello = "CONNECT {\"verbose\":false}\r\nSUB bench 1\r\nPING\r\n",
         .ready = "PONG",
         .rest = 1 << 17,
         .publisher_path = "/",
         .publisher_hello = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"},
    [NCHAN] = {.has_frames = true, .has_one_alert_a_frame = true, .rest = 1 << 13, .publishes_by_http = true},
};

const struct dialect *dialect_of(enum protocol protocol) {
    return &dialects[protocol];
}

int reader_request(char *out, size_t capacity, const struct options *options, int reader, const char *since) {
    char path[192], side[32] = "", query[64] = "";
    if (options->side_topics > 0) snprintf(side, sizeof side, ",side%d", reader % options->side_topics);
    if (*since) snprintf(query, sizeof query, "?since=%s", since);
    switch (options->protocol) {
    case CRIER: snprintf(path, sizeof path, "/bench%s/ws%s", side, query); break;
    case RELAY: return handshake_write(out, capacity, "/read", "");
    case NATS: return handshake_write(out, capacity, "/", "");
    case NCHAN: return handshake_write(out, capacity, "/sub/bench", "");
    case CRIER_SSE:
        return snprintf(out, capacity, "GET /bench%s/sse%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", side, query);
    }
    return handshake_write(out, capacity, path, "");
}

size_t
publish_write(char *out, enum protocol protocol, const char *topic, const char *text, size_t length, const char *ref) {
    char message[MAX_PAYLOAD + 256];
    switch (protocol) {
    case NCHAN: return post_write(out, protocol, topic, "", text, length);
    case RELAY: return frame_write(out, TEXT, text, length);
    case NATS: {
        int size = snprintf(message, sizeof message, "PUB %s %zu\r\n%.*s\r\n", topic, length, (int)length, text);
        return frame_write(out, BINARY, message, (size_t)size);
    }
    case CRIER:
    case CRIER_SSE: break;
    }
    int size = snprintf(
        message, sizeof message, "{\"op\":\"publish\",\"topic\":\"%s\",\"message\":\"%.*s\"%s%s%s}", topic, (int)length,
        text, ref ? ",\"ref\":\"" : "", ref ? ref : "", ref ? "\"" : "");
    return frame_write(out, TEXT, message, (size_t)size);
}

size_t post_write(
    char *out, enum protocol protocol, const char *topic, const char *header, const char *text, size_t length) {
    return (size_t)snprintf(
        out, MAX_PAYLOAD * 2, "POST %s/%s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%sContent-Length: %zu\r\n\r\n%.*s",
        protocol == NCHAN ? "/pub" : "", topic, header, *header ? "\r\n" : "", length, (int)length, text);
}
