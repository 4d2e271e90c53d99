// The sockets that read: they are opened, and every alert's number is checked on each of them.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "histogram.h"
#include "options.h"

/// What all readers together have got since the tool began.
struct totals {
    uint64_t deliveries, receives, bytes;
    uint64_t lost, duplicated, reordered, closed;
};

extern struct totals totals;
/// Latencies from when an alert was due, kept while `is_measuring`.
extern struct histogram latencies;
extern bool is_measuring;
/// Readers that are subscribed.
extern int ready_count;

void readers_prepare(const struct options *options, int poller);

/// Opens readers that are not open while fewer than the allowed handshakes are under way. `since` is a cursor or empty,
/// and stays where it is until they are open.
void readers_open_more(const char *since);

/// Takes what an event of the poller says about a reader.
void readers_handle(uint32_t reader, uint32_t events);

/// Closes all readers, which can then be opened again.
void readers_close(void);

/// The cursor of the last reader that was subscribed, if the server gave one.
const char *readers_cursor(void);

/// How many sockets read, those that stopped on purpose not counted.
int readers_active(void);
