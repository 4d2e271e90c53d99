#define _GNU_SOURCE
#include "publisher.h"

#include <string.h>

#include "ledger.h"
#include "net.h"
#include "protocol.h"
#include "talker.h"

static const struct options *options;
static const struct dialect *dialect;
static struct talker talker;
static char text[MAX_PAYLOAD];

static void handle(struct talker *it) {
    if (dialect->publishes_by_http) {
        for (int status; (status = talker_next_response(it));)
            if (status / 100 != 2) fail("a publish was answered with %d", status);
        return;
    }
    if (!it->is_upgraded) {
        int status = talker_next_response(it);
        if (status != 0 && status != 101) fail("the publisher was answered with %d", status);
        if (status != 101) return;
        if (dialect->publisher_hello) {
            char frame[512];
            talker_queue(
                it, frame, frame_write(frame, BINARY, dialect->publisher_hello, strlen(dialect->publisher_hello)));
            talker_flush(it);
        }
    }
    for (struct frame frame; talker_next_frame(it, &frame);) {
        bool is_error = memmem(frame.payload, frame.length, "\"event\":\"error\"", 15) ||
            memmem(frame.payload, frame.length, "-ERR", 4);
        if (is_error) fail("publishing failed: %.*s", (int)frame.length, frame.payload);
    }
}

void publisher_open(const struct options *wanted) {
    options = wanted;
    dialect = dialect_of(options->protocol);
    memset(text, 'x', sizeof text);
    talker_open(&talker, options->port, handle, NULL);
    if (!dialect->publishes_by_http) talker_upgrade(&talker, dialect->publisher_path);
}

bool publisher_is_ready(void) {
    return dialect->publishes_by_http || talker.is_upgraded;
}

void publisher_publish(int64_t due) {
    char bytes[MAX_PAYLOAD * 2];
    memcpy(text, ledger_publish(due), MARKER_LENGTH);
    talker_queue(
        &talker, bytes, publish_write(bytes, options->protocol, "bench", text, (size_t)options->payload, NULL));
}

void publisher_flush(void) {
    talker_flush(&talker);
}
