#define _GNU_SOURCE
#include "publish_only.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "net.h"
#include "payload.h"
#include "process.h"
#include "protocol.h"
#include "report.h"
#include "talker.h"

static const struct options *options;
static char publish[MAX_PAYLOAD * 2];
static size_t publish_length;
static uint64_t answered;

static void ask(struct talker *it, int count) {
    for (int i = 0; i < count; i++) talker_queue(it, publish, publish_length);
    it->unanswered += count;
    talker_flush(it);
}

static void handle_http(struct talker *it) {
    for (int status; (status = talker_next_response(it));) {
        if (status / 100 != 2) fail("a publish was answered with %d", status);
        answered++;
        it->unanswered--;
        ask(it, 1);
    }
}

static void handle_websocket(struct talker *it) {
    if (!it->is_upgraded) {
        int status = talker_next_response(it);
        if (status == 0) return;
        if (status != 101) fail("a publisher was answered with %d", status);
        ask(it, options->unanswered);
    }
    int acknowledged = 0;
    for (struct frame frame; talker_next_frame(it, &frame);) {
        if (memmem(frame.payload, frame.length, "\"event\":\"ack\"", 13)) acknowledged++;
        else if (memmem(frame.payload, frame.length, "\"event\":\"error\"", 15))
            fail("a publish failed: %.*s", (int)frame.length, frame.payload);
    }
    answered += (uint64_t)acknowledged;
    it->unanswered -= acknowledged;
    if (acknowledged > 0) ask(it, acknowledged);
}

static void run_for(double seconds) {
    int64_t end = now() + (int64_t)(seconds * 1e9);
    while (now() < end) {
        struct epoll_event event;
        epoll_wait(talkers_poller, &event, 1, 10);
        talkers_step();
    }
}

void publish_only(const struct options *wanted) {
    options = wanted;
    bool is_http = options->publishing == PUBLISH_ONLY_HTTP;
    char text[MAX_PAYLOAD];
    memset(text, 'x', sizeof text);
    size_t length = (size_t)options->payload;
    publish_length = is_http ? post_write(publish, options->protocol, "quiet", options->header, text, length)
                             : publish_write(publish, options->protocol, "quiet", text, length, "1");

    talkers_prepare();
    struct talker *talkers = calloc((size_t)options->publishers, sizeof *talkers);
    if (!talkers) fail("no memory");
    for (int i = 0; i < options->publishers; i++) {
        talker_open(&talkers[i], options->port, is_http ? handle_http : handle_websocket, NULL);
        if (is_http) ask(&talkers[i], 1);
        else talker_upgrade(&talkers[i], dialect_of(options->protocol)->publisher_path);
    }
    run_for(options->warm_up_seconds);
    int64_t at = now(), own = own_cpu();
    int64_t cpu = process_cpu(), busy = process_core_busy(options->pid);
    uint64_t before = answered;
    run_for(options->seconds);
    double elapsed = (double)(now() - at), server = (double)(process_cpu() - cpu);
    double others = (double)(process_core_busy(options->pid) - busy) - server;
    double count = (double)(answered - before);
    for (int i = 0; i < options->publishers; i++) talker_close(&talkers[i]);
    free(talkers);

    report_begin();
    report_text("protocol", options->protocol_name);
    report_count("publishers", options->publishers);
    report_count("publishes", (int64_t)count);
    report_number("publishes_per_second", count / elapsed * 1e9);
    report_number("cpu_us_per_publish", server / count / 1e3);
    report_number("server_cpu_share", server / elapsed);
    if (busy > 0) report_number("others_cpu_share", others / elapsed);
    report_number("tool_cpu_share", (double)(own_cpu() - own) / elapsed);
    report_end();
}
