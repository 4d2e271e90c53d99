// Opens many sockets to a server on this machine, publishes to all of them and checks that each gets every alert once
// and in order. One thread, so that it can have a core of its own.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

#include "ledger.h"
#include "net.h"
#include "options.h"
#include "probes.h"
#include "process.h"
#include "publish_only.h"
#include "publisher.h"
#include "readers.h"
#include "report.h"
#include "talker.h"

enum { BATCH = 256, TALKERS = 0xffffffff };
/// How long sockets may take to open, and the last alerts to come.
static const int64_t opening_limit = 60ll * 1000000000, drain_limit = 10ll * 1000000000;
static const int64_t longest_wait = 10 * 1000 * 1000;
static const int64_t look_interval = 50 * 1000;

static struct options options;
static int poller;
/// Nanoseconds that a spinning tool has waited between looks.
static int64_t idle;

/// What is counted, at one point in time.
struct moment {
    int64_t at, server_cpu, own_cpu, idle, server_core, own_core;
    struct totals totals;
};

static struct moment moment_now(void) {
    return (struct moment){
        .at = now(),
        .own_cpu = own_cpu(),
        .idle = idle,
        .server_cpu = process_cpu(),
        .server_core = process_core_busy(options.pid),
        .own_core = process_core_busy(0),
        .totals = totals};
}

/// Looks what has happened, if the last look left nothing behind not before some time has passed. While this tool looks, and while it is told of
/// something, it and the server hold the same lock.
static int look(struct epoll_event *events) {
    static int64_t next;
    int64_t begin = now(), at = begin;
    while (at < next) at = now();
    idle += at - begin;
    int count = epoll_wait(poller, events, BATCH, 0);
    next = count < BATCH ? at + look_interval : 0;
    return count;
}

/// Waits until `until` at most, and takes what has happened on all sockets.
static void step(int64_t until) {
    struct epoll_event events[BATCH];
    int count;
    if (options.spins) {
        count = look(events);
    } else {
        struct timespec wait = timespec_of(until - now());
        count = epoll_pwait2(poller, events, BATCH, &wait, NULL);
    }
    for (int i = 0; i < count; i++)
        if (events[i].data.u32 != TALKERS) readers_handle(events[i].data.u32, events[i].events);
    talkers_step();
}

static void run_for(double seconds) {
    int64_t end = now() + (int64_t)(seconds * 1e9);
    while (now() < end) step(end);
}

/// Nanoseconds until every reader was subscribed.
static int64_t open_readers(const char *since) {
    int64_t begin = now();
    while (ready_count < options.sockets) {
        if (now() - begin > opening_limit) fail("only %d of %d sockets were opened", ready_count, options.sockets);
        readers_open_more(since);
        step(now() + longest_wait);
    }
    return now() - begin;
}

static void open_publisher(void) {
    publisher_open(&options);
    int64_t limit = now() + drain_limit;
    while (!publisher_is_ready()) {
        if (now() > limit) fail("the publisher was not answered");
        step(limit);
    }
}

/// Waits until every reader has every alert, or no longer than is sensible.
static void drain(void) {
    int64_t limit = now() + drain_limit;
    while (ledger.finished < ledger.published && now() < limit) step(now() + longest_wait);
}

/// Publishes what may be in flight, but at most half of it at once: the rest follows when the first socket has the
/// first of these. So the server always has alerts to write while others are being read. Were all published at once,
/// they would be finished at once, and server and tool would wait for each other.
static void publish_closed_loop(int64_t at) {
    static uint32_t first_of_last;
    bool is_under_way = first_of_last > ledger.finished && ledger.seen[first_of_last % LEDGER_SIZE] == 0;
    if (is_under_way) return;
    uint32_t most = (uint32_t)(options.in_flight + 1) / 2, before = ledger.published;
    while (ledger.published - ledger.finished < (uint32_t)options.in_flight && ledger.published - before < most)
        publisher_publish(at);
    if (ledger.published > before) first_of_last = before + 1;
}

/// Publishes what is due and says when the next alert is, as far as that is known.
static int64_t publish_due(int64_t begin, uint32_t already, int64_t at) {
    int64_t next = at + longest_wait;
    if (options.rate > 0) {
        for (;;) {
            int64_t due = begin + (int64_t)((double)(ledger.published - already) / options.rate * 1e9);
            if (due > at) {
                next = due < next ? due : next;
                break;
            }
            if (ledger.published - ledger.finished >= LEDGER_SIZE / 2)
                fail("the server does not keep up with the rate");
            publisher_publish(due);
        }
    } else {
        publish_closed_loop(at);
    }
    publisher_flush();
    return next;
}

static void publish_until(int64_t end, uint64_t deliveries) {
    int64_t begin = now();
    uint32_t already = ledger.published;
    while (now() < end && totals.deliveries < deliveries && readers_active() > (int)totals.closed) {
        int64_t at = now();
        if (options.probes) probes_step(at);
        int64_t next = publish_due(begin, already, at);
        step(options.probes && next > at + 1000000 ? at + 1000000 : next);
    }
}

/// What this tool used of its core, but for the waiting between looks.
static double own_share(const struct moment *from, const struct moment *to) {
    int64_t busy = (to->own_cpu - from->own_cpu) - (to->idle - from->idle);
    return (double)busy / (double)(to->at - from->at);
}

/// How much of the server's and of this tool's core something else had, where each has one of its own.
static void report_others(const struct moment *from, const struct moment *to) {
    if (to->server_core == 0 || to->own_core == 0) return;
    double elapsed = (double)(to->at - from->at);
    int64_t server = to->server_cpu - from->server_cpu, own = to->own_cpu - from->own_cpu;
    report_number("others_cpu_share", (double)(to->server_core - from->server_core - server) / elapsed);
    report_number("others_cpu_share_of_tool", (double)(to->own_core - from->own_core - own) / elapsed);
}

static void report_load(const struct moment *from, const struct moment *to) {
    double elapsed = (double)(to->at - from->at), cpu = (double)(to->server_cpu - from->server_cpu);
    double deliveries = (double)(to->totals.deliveries - from->totals.deliveries);
    report_number("seconds", elapsed / 1e9);
    report_count("deliveries", (int64_t)deliveries);
    report_number("deliveries_per_second", deliveries / elapsed * 1e9);
    report_number("alerts_per_receive", deliveries / (double)(to->totals.receives - from->totals.receives));
    report_number("bytes_per_delivery", (double)(to->totals.bytes - from->totals.bytes) / deliveries);
    report_number("cpu_us_per_delivery", cpu / deliveries / 1e3);
    report_number("server_cpu_share", cpu / elapsed);
    report_others(from, to);
    report_number("tool_cpu_share", own_share(from, to));
    report_number("latency_ms_p50", histogram_percentile(&latencies, 50));
    report_number("latency_ms_p99", histogram_percentile(&latencies, 99));
    report_number("latency_ms_max", (double)latencies.max / 1e6);
    for (int kind = 0; options.probes && kind < PROBE_COUNT; kind++) {
        if (probe_times[kind].total == 0) continue;
        char key[64];
        snprintf(key, sizeof key, "%s_ms_p50", probe_names[kind]);
        report_number(key, histogram_percentile(&probe_times[kind], 50));
        snprintf(key, sizeof key, "%s_ms_p99", probe_names[kind]);
        report_number(key, histogram_percentile(&probe_times[kind], 99));
        snprintf(key, sizeof key, "%s_count", probe_names[kind]);
        report_count(key, (int64_t)probe_times[kind].total);
    }
}

static void load(void) {
    if (options.probes) probes_open(&options);
    publish_until(now() + (int64_t)(options.warm_up_seconds * 1e9), UINT64_MAX);
    int64_t warm = process_memory();
    struct moment from = moment_now();
    is_measuring = true;
    bool by_count = options.deliveries > 0;
    publish_until(
        by_count ? INT64_MAX : from.at + (int64_t)(options.seconds * 1e9),
        by_count ? from.totals.deliveries + options.deliveries : UINT64_MAX);
    is_measuring = false;
    struct moment to = moment_now();
    if (options.probes) probes_end(to.at);
    drain();
    report_load(&from, &to);
    report_count("rss_warm", warm);
}

/// All readers leave and come back with the cursor that they had before the last alerts.
static void herd(void) {
    char since[16];
    snprintf(since, sizeof since, "%s", readers_cursor());
    for (int i = 0; i < options.herd; i++) publisher_publish(now());
    publisher_flush();
    drain();
    if (ledger.finished < ledger.published) fail("the alerts of the herd did not come");
    readers_close();
    run_for(1);
    ledger_rewind((uint32_t)options.herd, now());
    struct moment from = moment_now();
    int64_t opening = open_readers(since);
    drain();
    struct moment to = moment_now();
    report_count("herd_alerts", options.herd);
    report_number("herd_open_seconds", (double)opening / 1e9);
    report_others(&from, &to);
    report_number("herd_seconds", (double)(to.at - from.at) / 1e9);
    report_number("server_cpu_share", (double)(to.server_cpu - from.server_cpu) / (double)(to.at - from.at));
    report_number("tool_cpu_share", own_share(&from, &to));
}

static void read_and_publish(void) {
    talkers_prepare();
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event nested = {.events = EPOLLIN, .data.u32 = TALKERS};
    epoll_ctl(poller, EPOLL_CTL_ADD, talkers_poller, &nested);
    readers_prepare(&options, poller);
    report_begin();
    report_text("protocol", options.protocol_name);
    report_count("sockets", options.sockets);
    report_count("payload", options.payload);

    int64_t before = process_memory();
    struct moment from = moment_now();
    double opening = (double)open_readers("");
    struct moment to = moment_now();
    report_number("connects_per_second", options.sockets / opening * 1e9);
    report_number("cpu_us_per_connect", (double)(to.server_cpu - from.server_cpu) / options.sockets / 1e3);
    report_number("tool_cpu_share_connecting", own_share(&from, &to));
    if (options.herd == 0 && options.seconds == 0) report_others(&from, &to);
    run_for(options.settle_seconds);
    int64_t idle = process_memory();
    report_count("rss_before", before);
    report_count("rss_idle", idle);
    report_number("bytes_per_socket", (double)(idle - before) / options.sockets);

    if (options.herd > 0 || options.seconds > 0) open_publisher();
    if (options.herd > 0) herd();
    else if (options.seconds > 0) load();
    report_count("rss_after", process_memory());
    // What has not come when the drain is over is lost, for each reader that it has not reached.
    int64_t missing = 0;
    for (uint32_t number = ledger.finished + 1; number <= ledger.published; number++)
        missing += (int64_t)ledger.readers - ledger.seen[number % LEDGER_SIZE];
    report_count("lost", (int64_t)totals.lost + missing);
    report_count("duplicated", (int64_t)totals.duplicated);
    report_count("reordered", (int64_t)totals.reordered);
    report_count("closed", (int64_t)totals.closed);
    if (options.leaves) {
        readers_close();
        run_for(options.settle_seconds);
        report_count("rss_left", process_memory());
    }
    report_end();
}

int main(int count, char **words) {
    options = options_from(count, words);
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    process_find(options.pid);
    if (options.publishing == PUBLISH_AND_READ) read_and_publish();
    else publish_only(&options);
    return 0;
}
