#define _GNU_SOURCE
#include "talker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

enum { IN_CAPACITY = 1 << 18, BATCH = 64 };

int talkers_poller;

void talkers_prepare(void) {
    talkers_poller = epoll_create1(EPOLL_CLOEXEC);
}

static void watch(struct talker *it, int operation) {
    struct epoll_event event = {.events = EPOLLIN | (it->waits_to_send ? EPOLLOUT : 0), .data.ptr = it};
    if (epoll_ctl(talkers_poller, operation, it->fd, &event) != 0) fail("epoll_ctl: %s", strerror(errno));
}

void talker_open(struct talker *it, uint16_t port, void (*handle)(struct talker *), void *owner) {
    *it = (struct talker){.fd = open_socket(port, 0, 0), .handle = handle, .owner = owner, .in = malloc(IN_CAPACITY)};
    if (!it->in) fail("no memory");
    watch(it, EPOLL_CTL_ADD);
}

void talker_close(struct talker *it) {
    if (it->in) close(it->fd);
    free(it->in);
    free(it->out);
    it->in = it->out = NULL;
}

void talker_upgrade(struct talker *it, const char *path) {
    char request[512];
    talker_queue(it, request, (size_t)handshake_write(request, sizeof request, path, ""));
    talker_flush(it);
}

void talker_queue(struct talker *it, const char *bytes, size_t length) {
    if (it->out_length + length > it->out_capacity) {
        it->out_capacity = (it->out_length + length) * 2;
        it->out = realloc(it->out, it->out_capacity);
        if (!it->out) fail("no memory");
    }
    memcpy(it->out + it->out_length, bytes, length);
    it->out_length += length;
}

void talker_flush(struct talker *it) {
    size_t length = it->out_length - it->out_begin;
    if (length == 0) return;
    ptrdiff_t sent = send_some(it->fd, it->out + it->out_begin, length);
    if (sent < 0) fail("the server closed a publisher or probe (%s)", strerror(errno));
    it->out_begin += (size_t)sent;
    if (it->out_begin == it->out_length) it->out_begin = it->out_length = 0;
    bool waits = it->out_length > 0;
    if (waits == it->waits_to_send) return;
    it->waits_to_send = waits;
    watch(it, EPOLL_CTL_MOD);
}

static void fill(struct talker *it) {
    if (it->in_begin > 0) {
        it->in_length -= it->in_begin;
        memmove(it->in, it->in + it->in_begin, it->in_length);
        it->in_begin = 0;
    }
    if (it->in_length == IN_CAPACITY) fail("an answer is longer than %d bytes", IN_CAPACITY);
    ssize_t count = recv(it->fd, it->in + it->in_length, IN_CAPACITY - it->in_length, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) fail("the server closed a publisher or probe (%s)", count < 0 ? strerror(errno) : "end of stream");
    it->in_length += (size_t)count;
}

void talkers_step(void) {
    struct epoll_event events[BATCH];
    int count = epoll_wait(talkers_poller, events, BATCH, 0);
    for (int i = 0; i < count; i++) {
        struct talker *it = events[i].data.ptr;
        if (events[i].events & EPOLLOUT) talker_flush(it);
        if (!(events[i].events & ~(uint32_t)EPOLLOUT)) continue;
        fill(it);
        it->handle(it);
    }
}

int talker_next_response(struct talker *it) {
    const char *head = it->in + it->in_begin;
    size_t length = it->in_length - it->in_begin;
    const char *end = memmem(head, length, "\r\n\r\n", 4);
    if (!end || length < 12) return 0;
    int status = atoi(head + 9);
    size_t size = (size_t)(end + 4 - head);
    static const char name[] = "\r\ncontent-length:";
    for (const char *at = head; status != 101 && at < end; at++) {
        if (*at != '\r' || strncasecmp(at, name, sizeof name - 1) != 0) continue;
        size += strtoul(at + sizeof name - 1, NULL, 10);
        break;
    }
    if (length < size) return 0;
    it->in_begin += size;
    if (status == 101) it->is_upgraded = true;
    return status;
}

bool talker_next_frame(struct talker *it, struct frame *out) {
    if (!frame_read(it->in + it->in_begin, it->in_length - it->in_begin, out)) return false;
    it->in_begin += out->size;
    if (out->opcode == CLOSE) fail("the server closed a publisher or probe");
    if (out->opcode == PING && out->length < 126) {
        char pong[256];
        talker_queue(it, pong, frame_write(pong, PONG, out->payload, out->length));
        talker_flush(it);
    }
    return true;
}
