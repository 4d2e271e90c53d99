#define _GNU_SOURCE
#include "probes.h"

#include <string.h>

#include "net.h"
#include "payload.h"
#include "protocol.h"
#include "readers.h"
#include "talker.h"

static const int64_t interval = 10 * 1000 * 1000;

struct histogram probe_times[PROBE_COUNT];
const char *const probe_names[PROBE_COUNT] = {"handshake", "ping", "publish"};

static const struct options *options;
static struct talker talkers[PROBE_COUNT];
static int64_t due[PROBE_COUNT];
static bool is_used[PROBE_COUNT];

static void begin(int kind, int64_t at) {
    talkers[kind].asked_at = at;
    talkers[kind].unanswered = 1;
}

static void end(int kind) {
    int64_t at = now();
    if (is_measuring) histogram_record(&probe_times[kind], at - talkers[kind].asked_at);
    talkers[kind].unanswered = 0;
    due[kind] = at + interval;
}

static void handle(struct talker *it) {
    int kind = (int)(it - talkers);
    if (!it->is_upgraded) {
        int status = talker_next_response(it);
        if (status == 0) return;
        if (status != 101) fail("a probe was answered with %d", status);
        if (kind == HANDSHAKE_PROBE) {
            end(kind);
            talker_close(it);
            return;
        }
    }
    for (struct frame frame; talker_next_frame(it, &frame);) {
        bool is_acknowledgement = memmem(frame.payload, frame.length, "\"event\":\"ack\"", 13) != NULL;
        bool is_answer = kind == PING_PROBE ? frame.opcode == PONG : is_acknowledgement;
        if (is_answer && it->unanswered > 0) end(kind);
    }
}

void probes_open(const struct options *wanted) {
    options = wanted;
    const struct dialect *dialect = dialect_of(options->protocol);
    if (!dialect->quiet_path) fail("there are no probes for this protocol");
    is_used[HANDSHAKE_PROBE] = is_used[PING_PROBE] = true;
    is_used[PUBLISH_PROBE] = options->protocol == CRIER || options->protocol == CRIER_SSE;
    for (int kind = PING_PROBE; kind < PROBE_COUNT; kind++) {
        if (!is_used[kind]) continue;
        talker_open(&talkers[kind], options->port, handle, NULL);
        talker_upgrade(&talkers[kind], kind == PING_PROBE ? dialect->quiet_path : dialect->publisher_path);
    }
}

void probes_step(int64_t at) {
    for (int kind = 0; kind < PROBE_COUNT; kind++) {
        struct talker *it = &talkers[kind];
        if (!is_used[kind] || it->unanswered > 0 || at < due[kind]) continue;
        if (kind != HANDSHAKE_PROBE && !it->is_upgraded) continue;
        char bytes[MAX_PAYLOAD * 2];
        if (kind == HANDSHAKE_PROBE) {
            talker_open(it, options->port, handle, NULL);
            begin(kind, at);
            talker_upgrade(it, dialect_of(options->protocol)->quiet_path);
            continue;
        }
        begin(kind, at);
        size_t length = kind == PING_PROBE ? frame_write(bytes, PING, "probe", 5)
                                           : publish_write(bytes, CRIER, "probe", "probe", 5, "1");
        talker_queue(it, bytes, length);
        talker_flush(it);
    }
}

void probes_end(int64_t at) {
    for (int kind = 0; kind < PROBE_COUNT; kind++)
        if (talkers[kind].unanswered > 0) histogram_record(&probe_times[kind], at - talkers[kind].asked_at);
}
