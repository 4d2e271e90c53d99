// A connection that asks and is answered: a publisher or a probe, over WebSocket or HTTP. There are few of them, so
// each has buffers of its own.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "websocket.h"

struct talker {
    int fd;
    /// Its request for a WebSocket has been answered.
    bool is_upgraded;
    bool waits_to_send;
    char *out;
    size_t out_begin, out_length, out_capacity;
    char *in;
    size_t in_begin, in_length;
    /// Questions without an answer yet, and when the oldest was asked.
    int unanswered;
    int64_t asked_at;
    /// Called when there is something to read; the talker is filled already.
    void (*handle)(struct talker *);
    void *owner;
};

/// The poller of all talkers.
extern int talkers_poller;
void talkers_prepare(void);
/// Takes what has happened on the talkers, without waiting.
void talkers_step(void);

void talker_open(struct talker *it, uint16_t port, void (*handle)(struct talker *), void *owner);
void talker_close(struct talker *it);
/// Asks for a WebSocket at a path.
void talker_upgrade(struct talker *it, const char *path);
void talker_queue(struct talker *it, const char *bytes, size_t length);
/// Sends what is queued, as far as the kernel takes it now; the rest follows by itself.
void talker_flush(struct talker *it);

/// The status of the next complete HTTP response, 0 if there is none. A 101 makes the talker a WebSocket.
int talker_next_response(struct talker *it);
/// The next complete frame, good until the next call. Answers pings itself.
bool talker_next_frame(struct talker *it, struct frame *out);
