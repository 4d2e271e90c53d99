// Which alerts have been published, when they were due, and how many sockets have each.
#pragma once
#include <stdint.h>
#include <string.h>

#include "payload.h"

struct ledger {
    /// Numbers begin at 1. Everything up to `finished` has reached every reader.
    uint32_t published, finished;
    /// Sockets that an alert has to reach.
    uint32_t readers;
    uint32_t seen[LEDGER_SIZE];
    int64_t due[LEDGER_SIZE];
    char markers[LEDGER_SIZE][MARKER_LENGTH];
};

extern struct ledger ledger;

/// Enters the next alert and gives its marker.
const char *ledger_publish(int64_t due);

/// Goes on with `finished` as far as all readers have come.
void ledger_advance(void);

static inline void ledger_saw(uint32_t number) {
    if (++ledger.seen[number % LEDGER_SIZE] == ledger.readers && number == ledger.finished + 1) ledger_advance();
}

/// A reader that expects `next` is gone: nothing waits for it any more.
void ledger_lose_reader(uint32_t next);

/// As if the first `count` alerts were published now and had reached nobody.
void ledger_rewind(uint32_t count, int64_t due);
