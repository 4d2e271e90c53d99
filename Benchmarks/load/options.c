#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "payload.h"

static const char usage[] = "usage: load --protocol crier|crier-sse|relay|nats|nchan --port PORT [--pid PID] "
                            "[--sockets N] [--handshakes N] [--payload BYTES]\n"
                            "            [--in-flight K | --rate R] [--warm-up S] [--seconds S | --deliveries D] "
                            "[--settle S] [--leave] [--probes] [--spin]\n"
                            "            [--side-topics T] [--slow-percent X] [--since-herd A]\n"
                            "            [--publish-only http|ws [--publishers C] [--unanswered U] [--header LINE]]\n"
                            "Measures a server on 127.0.0.1 and prints one line of JSON.\n";

static void require(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "load: %s\n%s", what, usage);
    exit(64);
}

static int index_of(const char *word, const char *const *names, int count) {
    for (int i = 0; i < count; i++)
        if (strcmp(word, names[i]) == 0) return i;
    require(false, word);
    return -1;
}

struct options options_from(int count, char **words) {
    static const char *const protocols[] = {"crier", "crier-sse", "relay", "nats", "nchan"};
    static const char *const publishing[] = {"", "http", "ws"};
    struct options it = {
        .protocol_name = "crier",
        .sockets = 1000,
        .handshakes = 256,
        .payload = 100,
        .warm_up_seconds = 0.5,
        .seconds = 5,
        .settle_seconds = 0.3,
        .publishers = 64,
        .header = "",
        .unanswered = 1000};
    for (int i = 1; i < count; i++) {
        const char *name = words[i];
        if (strcmp(name, "--probes") == 0) {
            it.probes = true;
            continue;
        }
        if (strcmp(name, "--spin") == 0) {
            it.spins = true;
            continue;
        }
        if (strcmp(name, "--leave") == 0) {
            it.leaves = true;
            continue;
        }
        require(i + 1 < count, name);
        const char *value = words[++i];
        if (strcmp(name, "--protocol") == 0) it.protocol = index_of(it.protocol_name = value, protocols, 5);
        else if (strcmp(name, "--port") == 0) it.port = (uint16_t)atoi(value);
        else if (strcmp(name, "--pid") == 0) it.pid = atoi(value);
        else if (strcmp(name, "--sockets") == 0) it.sockets = atoi(value);
        else if (strcmp(name, "--handshakes") == 0) it.handshakes = atoi(value);
        else if (strcmp(name, "--payload") == 0) it.payload = atoi(value);
        else if (strcmp(name, "--in-flight") == 0) it.in_flight = atoi(value);
        else if (strcmp(name, "--rate") == 0) it.rate = atof(value);
        else if (strcmp(name, "--warm-up") == 0) it.warm_up_seconds = atof(value);
        else if (strcmp(name, "--seconds") == 0) it.seconds = atof(value);
        else if (strcmp(name, "--deliveries") == 0) it.deliveries = strtoull(value, NULL, 10);
        else if (strcmp(name, "--settle") == 0) it.settle_seconds = atof(value);
        else if (strcmp(name, "--side-topics") == 0) it.side_topics = atoi(value);
        else if (strcmp(name, "--slow-percent") == 0) it.slow_percent = atof(value);
        else if (strcmp(name, "--since-herd") == 0) it.herd = atoi(value);
        else if (strcmp(name, "--publish-only") == 0) it.publishing = index_of(value, publishing, 3);
        else if (strcmp(name, "--publishers") == 0) it.publishers = atoi(value);
        else if (strcmp(name, "--header") == 0) it.header = value;
        else if (strcmp(name, "--unanswered") == 0) it.unanswered = atoi(value);
        else require(false, name);
    }
    if (it.rate == 0 && it.in_flight == 0) it.in_flight = 8;
    require(it.port != 0, "--port is missing");
    require(it.sockets > 0 && it.sockets < 60000, "--sockets");
    require(
        it.handshakes > 0 && it.publishers > 0 && it.publishers < 4096 && it.unanswered > 0, "a count is not positive");
    require(strlen(it.header) <= MAX_PAYLOAD / 2, "--header is too long");
    require(it.payload >= MARKER_LENGTH && it.payload <= MAX_PAYLOAD, "--payload");
    require(it.rate == 0 || it.in_flight == 0, "--in-flight and --rate exclude each other");
    require(
        it.in_flight >= 0 && it.in_flight <= LEDGER_SIZE / 2 && it.herd >= 0 && it.herd <= LEDGER_SIZE / 2,
        "too many alerts");
    bool is_crier = it.protocol == CRIER || it.protocol == CRIER_SSE;
    require(is_crier || (it.side_topics == 0 && it.herd == 0), "only Crier has topics and `since`");
    require(it.publishing != PUBLISH_ONLY_WEBSOCKET || it.protocol == CRIER, "only Crier acknowledges on a WebSocket");
    require(
        it.publishing != PUBLISH_ONLY_HTTP || it.protocol == CRIER || it.protocol == NCHAN,
        "this server takes no HTTP");
    return it;
}
