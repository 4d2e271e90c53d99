#include "ledger.h"

struct ledger ledger;

static void write_marker(char *out, uint32_t number) {
    out[0] = '@';
    for (int i = 10; i >= 1; i--, number /= 10) out[i] = (char)('0' + number % 10);
    out[11] = ':';
}

const char *ledger_publish(int64_t due) {
    uint32_t number = ++ledger.published, slot = number % LEDGER_SIZE;
    ledger.seen[slot] = 0;
    ledger.due[slot] = due;
    write_marker(ledger.markers[slot], number);
    return ledger.markers[slot];
}

void ledger_advance(void) {
    while (ledger.finished < ledger.published && ledger.seen[(ledger.finished + 1) % LEDGER_SIZE] >= ledger.readers)
        ledger.finished++;
}

void ledger_lose_reader(uint32_t next) {
    for (uint32_t number = ledger.finished + 1; number < next; number++) ledger.seen[number % LEDGER_SIZE]--;
    ledger.readers--;
    ledger_advance();
}

void ledger_rewind(uint32_t count, int64_t due) {
    ledger.published = ledger.finished = 0;
    while (ledger.published < count) ledger_publish(due);
}
