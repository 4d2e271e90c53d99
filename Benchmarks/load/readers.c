#define _GNU_SOURCE
#include "readers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ledger.h"
#include "net.h"
#include "protocol.h"
#include "websocket.h"

enum { READ_SIZE = 1 << 17, MAX_REST = 1 << 17, SLOW_RECEIVE_BUFFER = 4096, CURSOR_LENGTH = 12, MAX_QUIET_REST = 1024 };

enum phase { UNOPENED, CONNECTING, HANDSHAKING, SUBSCRIBING, READING, STOPPED, CLOSED };

struct reader {
    int fd;
    enum phase phase;
    /// The number that comes next, and which of the 64 before it have come (the lowest bit is the newest).
    uint32_t next;
    uint64_t history;
    /// Bytes kept from the last read, and bytes of the next one that belong to an alert that was taken already.
    uint32_t rest, skip;
};

struct totals totals;
struct histogram latencies;
bool is_measuring;
int ready_count;

static const struct options *options;
static const struct dialect *dialect;
static int poller;
static struct reader *readers;
static char *rests;
/// Readers begun so far, those of them that are not subscribed yet, and those that stop reading: every `slow_step`th.
static int opened, opening, slow_step, slow_count;
static char cursor[CURSOR_LENGTH + 1];
/// Where the readers that are being opened go on.
static const char *since;
/// One buffer for all: what is kept is copied before what is read, so frames are contiguous.
static char buffer[MAX_REST + READ_SIZE];
/// Where the marker stood last time: from a frame's start, and from the end of the alert before it. A guess that is
/// verified.
static size_t first_gap, next_gap;

void readers_prepare(const struct options *wanted, int poller_of_loop) {
    options = wanted;
    dialect = dialect_of(options->protocol);
    poller = poller_of_loop;
    readers = calloc((size_t)options->sockets, sizeof *readers);
    // Untouched pages cost nothing.
    rests = mmap(
        NULL, (size_t)options->sockets * dialect->rest, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!readers || rests == MAP_FAILED) fail("no memory for %d sockets", options->sockets);
    if (options->slow_percent > 0) slow_step = (int)(100 / options->slow_percent);
    if (slow_step > 0) slow_count = (options->sockets + slow_step - 1) / slow_step;
    ledger.readers = (uint32_t)readers_active();
}

int readers_active(void) {
    return options->sockets - slow_count;
}

const char *readers_cursor(void) {
    return cursor;
}

static bool is_slow(uint32_t reader) {
    return slow_step > 0 && reader % (uint32_t)slow_step == 0;
}

static void watch(uint32_t reader, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.u32 = reader};
    if (epoll_ctl(poller, operation, readers[reader].fd, &event) != 0) fail("epoll_ctl: %s", strerror(errno));
}

// MARK: opening

static void send_request(uint32_t reader) {
    char request[512];
    size_t length = (size_t)reader_request(request, sizeof request, options, (int)reader, since);
    ptrdiff_t sent = send_some(readers[reader].fd, request, length);
    if (sent < 0) fail("socket %u was refused", reader);
    if (sent > 0) readers[reader].phase = HANDSHAKING;
}

void readers_open_more(const char *from) {
    since = from;
    for (; opened < options->sockets && opening < options->handshakes; opened++, opening++) {
        uint32_t index = (uint32_t)opened;
        readers[index] = (struct reader){
            .fd = open_socket(options->port, opened, is_slow(index) ? SLOW_RECEIVE_BUFFER : 0),
            .phase = CONNECTING,
            .next = 1};
        send_request(index);
        watch(
            index, EPOLLIN | EPOLLRDHUP | EPOLLET | (readers[index].phase == CONNECTING ? EPOLLOUT : 0), EPOLL_CTL_ADD);
    }
}

void readers_close(void) {
    for (int i = 0; i < opened; i++)
        if (readers[i].phase != CLOSED) close(readers[i].fd);
    opened = ready_count = 0;
}

static void become_ready(uint32_t reader, const char *text, size_t length) {
    readers[reader].phase = READING;
    ready_count++;
    opening--;
    static const char key[] = "\"id\":\"";
    const char *id = length > 0 ? memmem(text, length, key, sizeof key - 1) : NULL;
    if (id && id + sizeof key - 1 + CURSOR_LENGTH <= text + length) memcpy(cursor, id + sizeof key - 1, CURSOR_LENGTH);
    if (!is_slow(reader)) return;
    readers[reader].phase = STOPPED;
    watch(reader, 0, EPOLL_CTL_DEL);
}

/// Takes the head of the answer and says how long it is, 0 while it is not complete.
static size_t take_head(uint32_t reader, const char *bytes, size_t length) {
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (!end) return 0;
    const char *wanted = dialect->has_frames ? "HTTP/1.1 101" : "HTTP/1.1 200";
    if (strncmp(bytes, wanted, 12) != 0) fail("socket %u was answered: %.*s", reader, (int)(end - bytes), bytes);
    if (dialect->hello) {
        char frame[512];
        send_some(readers[reader].fd, frame, frame_write(frame, BINARY, dialect->hello, strlen(dialect->hello)));
    }
    if (dialect->ready) readers[reader].phase = SUBSCRIBING;
    else become_ready(reader, NULL, 0);
    return (size_t)(end + 4 - bytes);
}

static void leave(uint32_t reader) {
    struct reader *it = &readers[reader];
    if (it->phase == CLOSED) return;
    if (it->phase != READING) fail("socket %u was closed while it was opened", reader);
    close(it->fd);
    it->phase = CLOSED;
    totals.closed++;
    ready_count--;
    ledger_lose_reader(it->next);
}

// MARK: alerts

/// An alert that is not the next one, or is not what was published.
static void take_unexpected(struct reader *it, const char *marker) {
    uint64_t number = 0;
    for (int i = 1; i <= 10; i++) number = number * 10 + (uint64_t)(marker[i] - '0');
    if (number == 0 || number > ledger.published) fail("an alert with the number %.10s came", marker + 1);
    if (number < it->next) {
        uint64_t back = it->next - 1 - number;
        bool is_late = back < 64 && !(it->history >> back & 1);
        if (is_late) {
            it->history |= 1ull << back;
            totals.reordered++;
            totals.lost--;
        } else {
            totals.duplicated++;
        }
        return;
    }
    for (; it->next < number; it->next++) {
        it->history <<= 1;
        totals.lost++;
        ledger_saw(it->next);
    }
    it->history = it->history << 1 | 1;
    ledger_saw(it->next++);
}

static inline void take_alert(struct reader *it, const char *marker, int64_t at) {
    uint32_t slot = it->next % LEDGER_SIZE;
    if (__builtin_expect(memcmp(marker, ledger.markers[slot], MARKER_LENGTH) != 0, 0)) {
        take_unexpected(it, marker);
        return;
    }
    if (is_measuring) histogram_record(&latencies, at - ledger.due[slot]);
    it->history = it->history << 1 | 1;
    ledger_saw(it->next++);
}

static inline bool is_marker(const char *bytes) {
    return bytes[0] == '@' && bytes[MARKER_LENGTH - 1] == ':';
}

static const char *find_marker(const char *from, const char *end) {
    while (end - from >= MARKER_LENGTH) {
        const char *here = memchr(from, '@', (size_t)(end - from) - MARKER_LENGTH + 1);
        if (!here || is_marker(here)) return here;
        from = here + 1;
    }
    return NULL;
}

/// Finds the alerts in the bytes and takes each. Returns where the text of the last one ends, 0 if there was none; that
/// may be after the bytes' end.
static size_t take_alerts(struct reader *it, const char *bytes, size_t length, int64_t at, size_t *gap) {
    size_t position = 0;
    uint64_t found = 0;
    while (position + MARKER_LENGTH <= length) {
        size_t marker = position + *gap;
        if (marker + MARKER_LENGTH > length || !is_marker(bytes + marker)) {
            const char *here = find_marker(bytes + position, bytes + length);
            if (!here) break;
            marker = (size_t)(here - bytes);
            *gap = marker - position;
        }
        take_alert(it, bytes + marker, at);
        found++;
        position = marker + (size_t)options->payload;
        if (dialect->has_one_alert_a_frame) break;
        gap = &next_gap;
    }
    totals.deliveries += found;
    return position;
}

static void take_quiet_frame(uint32_t reader, const struct frame *frame) {
    struct reader *it = &readers[reader];
    if (it->phase == SUBSCRIBING && memmem(frame->payload, frame->length, dialect->ready, strlen(dialect->ready)))
        become_ready(reader, frame->payload, frame->length);
    if (frame->opcode == CLOSE) leave(reader);
    if (frame->opcode == PING) {
        char pong[256];
        if (frame->length < 126) send_some(it->fd, pong, frame_write(pong, PONG, frame->payload, frame->length));
    }
}

static size_t take_frames(uint32_t reader, const char *bytes, size_t length, int64_t at) {
    struct reader *it = &readers[reader];
    size_t position = 0;
    for (struct frame frame;
         it->phase != CLOSED && it->phase != STOPPED && frame_read(bytes + position, length - position, &frame);) {
        position += frame.size;
        if (frame.opcode > BINARY || take_alerts(it, frame.payload, frame.length, at, &first_gap) == 0)
            take_quiet_frame(reader, &frame);
    }
    return position;
}

static size_t take_events(uint32_t reader, const char *bytes, size_t length, int64_t at) {
    struct reader *it = &readers[reader];
    size_t skipped = it->skip < length ? it->skip : length;
    it->skip -= (uint32_t)skipped;
    if (it->phase == SUBSCRIBING && memmem(bytes, length, dialect->ready, strlen(dialect->ready)))
        become_ready(reader, bytes, length);
    size_t end = skipped + take_alerts(it, bytes + skipped, length - skipped, at, &next_gap);
    if (end > length) it->skip = (uint32_t)(end - length);
    if (end >= length) return length;
    // Between alerts is only what belongs to no alert; a marker may have begun.
    return length - end > MAX_QUIET_REST ? length - MARKER_LENGTH : end;
}

void readers_handle(uint32_t reader, uint32_t events) {
    struct reader *it = &readers[reader];
    if (it->phase == CONNECTING && events & EPOLLOUT) {
        send_request(reader);
        if (it->phase == HANDSHAKING) watch(reader, EPOLLIN | EPOLLRDHUP | EPOLLET, EPOLL_CTL_MOD);
    }
    bool is_ending = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    while (it->phase > CONNECTING && it->phase < STOPPED) {
        ssize_t count = recv(it->fd, buffer + MAX_REST, READ_SIZE, MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN) return;
        if (count <= 0) {
            leave(reader);
            return;
        }
        int64_t at = now();
        uint64_t deliveries = totals.deliveries;
        char *rest = rests + (size_t)reader * dialect->rest, *bytes = buffer + MAX_REST - it->rest;
        memcpy(bytes, rest, it->rest);
        size_t length = (size_t)count + it->rest, taken = 0;
        if (it->phase == HANDSHAKING) taken = take_head(reader, bytes, length);
        if (it->phase == SUBSCRIBING || it->phase == READING)
            taken += (dialect->has_frames ? take_frames : take_events)(reader, bytes + taken, length - taken, at);
        it->rest = (uint32_t)(length - taken);
        if (it->rest > dialect->rest) fail("a frame is longer than %zu bytes", dialect->rest);
        memcpy(rest, bytes + taken, it->rest);
        totals.bytes += (uint64_t)count;
        totals.receives += totals.deliveries > deliveries;
        // With edges as triggers: a short read is the last one, unless the end follows it.
        if (count < READ_SIZE && !is_ending) return;
    }
}
