// What others feel while the load runs: a fresh socket's handshake, a ping's pong, a publish's acknowledgement.
#pragma once
#include <stdint.h>

#include "histogram.h"
#include "options.h"

enum { HANDSHAKE_PROBE, PING_PROBE, PUBLISH_PROBE, PROBE_COUNT };

extern struct histogram probe_times[PROBE_COUNT];
extern const char *const probe_names[PROBE_COUNT];

void probes_open(const struct options *options);
/// Begins the probes that are due. One of a kind is under way at a time.
void probes_step(int64_t at);
/// Counts those that are still under way with the time that they have taken so far.
void probes_end(int64_t at);
