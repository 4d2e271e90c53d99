// The floor that servers are compared with: a relay that does nothing but what the kernel demands for a fan-out.
//
//     floor PORT [--no-join]
//
// Every text frame that any client sends goes, as a server frame, to every socket whose path is /read. The frames that
// arrived since the last flush are joined into one buffer, and each reader gets it by one `send`. With --no-join it is
// one `send` an alert and socket. There are no ids, topics, replays, heartbeats or limits; what a reader's kernel
// buffer refuses waits in a buffer of its own.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "accept_key.h"

enum { MAX_SOCKETS = 1 << 16, INPUT = 1 << 18, MAX_PENDING = 1 << 24, BATCH = 512 };

struct connection {
    bool is_open, is_upgraded;
    /// Its place among the readers, or -1.
    int place;
    /// An incomplete request or frame.
    unsigned char *rest;
    size_t rest_length;
    /// What the kernel refused.
    unsigned char *pending;
    size_t pending_length;
};

static struct connection connections[MAX_SOCKETS];
static int readers[MAX_SOCKETS];
static int reader_count;
static int poller;

static unsigned char joined[INPUT * 2];
static size_t joined_length;
/// Where each alert in `joined` ends.
static size_t ends[INPUT / 2];
static int end_count;

static void check(bool holds, const char *what) {
    if (holds) return;
    perror(what);
    exit(1);
}

static void watch(int fd, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    check(epoll_ctl(poller, operation, fd, &event) == 0, "epoll_ctl");
}

static void drop(int fd) {
    struct connection *it = &connections[fd];
    if (!it->is_open) return;
    if (it->place >= 0) {
        int last = readers[--reader_count];
        readers[it->place] = last;
        connections[last].place = it->place;
    }
    free(it->rest);
    free(it->pending);
    *it = (struct connection){.place = -1};
    close(fd);
}

/// Keeps what was not sent. A reader that leaves too much waiting is dropped.
static bool hold(int fd, const unsigned char *bytes, size_t length) {
    struct connection *it = &connections[fd];
    unsigned char *grown =
        it->pending_length + length > MAX_PENDING ? NULL : realloc(it->pending, it->pending_length + length);
    if (!grown) return false;
    if (it->pending_length == 0) watch(fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    memcpy(grown + it->pending_length, bytes, length);
    it->pending = grown;
    it->pending_length += length;
    return true;
}

/// False when the connection has to go.
static bool give(int fd, const unsigned char *bytes, size_t length) {
    if (connections[fd].pending_length > 0) return hold(fd, bytes, length);
    ssize_t sent = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent == (ssize_t)length) return true;
    if (sent < 0 && errno != EAGAIN) return false;
    size_t done = sent < 0 ? 0 : (size_t)sent;
    return hold(fd, bytes + done, length - done);
}

static bool give_pending(int fd) {
    struct connection *it = &connections[fd];
    ssize_t sent = send(fd, it->pending, it->pending_length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    it->pending_length -= (size_t)sent;
    memmove(it->pending, it->pending + sent, it->pending_length);
    if (it->pending_length == 0) watch(fd, EPOLLIN, EPOLL_CTL_MOD);
    return true;
}

static void flush(bool joins) {
    // From the end: one that is dropped is replaced by the last, which had its bytes.
    for (int i = reader_count - 1; i >= 0; i--) {
        int fd = readers[i];
        bool stays = true;
        if (joins) stays = give(fd, joined, joined_length);
        for (int j = 0; !joins && stays && j < end_count; j++) {
            size_t begin = j == 0 ? 0 : ends[j - 1];
            stays = give(fd, joined + begin, ends[j] - begin);
        }
        if (!stays) drop(fd);
    }
    joined_length = 0;
    end_count = 0;
}

static size_t write_header(unsigned char *out, unsigned opcode, size_t length) {
    out[0] = (unsigned char)(0x80 | opcode);
    if (length < 126) {
        out[1] = (unsigned char)length;
        return 2;
    }
    out[1] = 126;
    out[2] = (unsigned char)(length >> 8);
    out[3] = (unsigned char)length;
    return 4;
}

static void append_alert(const unsigned char *payload, const unsigned char mask[4], size_t length, bool joins) {
    if (joined_length + length + 4 > sizeof joined || end_count == INPUT / 2) flush(joins);
    joined_length += write_header(joined + joined_length, 1, length);
    for (size_t i = 0; i < length; i++) joined[joined_length + i] = payload[i] ^ mask[i & 3];
    joined_length += length;
    ends[end_count++] = joined_length;
}

/// Takes the complete frames at the start of the bytes and says how long they are; -1 when the connection has to go.
static ssize_t take_frames(int fd, const unsigned char *bytes, size_t length, bool joins) {
    size_t at = 0;
    while (length - at >= 6) {
        const unsigned char *frame = bytes + at;
        size_t size = frame[1] & 127, header = 6;
        if (!(frame[1] & 128) || size == 127) return -1;
        if (size == 126) {
            size = (size_t)frame[2] << 8 | frame[3];
            header = 8;
        }
        if (length - at < header + size) break;
        unsigned opcode = frame[0] & 15;
        const unsigned char *mask = frame + header - 4, *payload = frame + header;
        if (opcode == 1) append_alert(payload, mask, size, joins);
        if (opcode == 8) return -1;
        if (opcode == 9 && size < 126) {
            unsigned char pong[128];
            size_t start = write_header(pong, 10, size);
            for (size_t i = 0; i < size; i++) pong[start + i] = payload[i] ^ mask[i & 3];
            if (!give(fd, pong, start + size)) return -1;
        }
        at += header + size;
    }
    return (ssize_t)at;
}

/// Takes the request and answers it: how long it is, 0 if it is not complete, -1 when the connection has to go.
static ssize_t take_request(int fd, const unsigned char *bytes, size_t length) {
    const char *head = (const char *)bytes;
    const char *end = memmem(head, length, "\r\n\r\n", 4);
    if (!end) return length > 8192 ? -1 : 0;
    static const char name[] = "Sec-WebSocket-Key: ";
    const char *key = memmem(head, (size_t)(end - head), name, sizeof name - 1);
    if (!key) return -1;
    key += sizeof name - 1;
    const char *key_end = memchr(key, '\r', (size_t)(end + 2 - key));
    char accept[ACCEPT_KEY_LENGTH], answer[192];
    accept_key(key, (size_t)(key_end - key), accept);
    int size = snprintf(
        answer, sizeof answer,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        "%.28s\r\n\r\n",
        accept);
    connections[fd].is_upgraded = true;
    if (!give(fd, (const unsigned char *)answer, (size_t)size)) return -1;
    if (strncmp(head, "GET /read ", 10) == 0) {
        connections[fd].place = reader_count;
        readers[reader_count++] = fd;
    }
    return end + 4 - head;
}

static bool take_input(int fd, bool joins) {
    static unsigned char input[INPUT * 2];
    struct connection *it = &connections[fd];
    size_t length = it->rest_length;
    if (length > 0) memcpy(input, it->rest, length);
    ssize_t count = recv(fd, input + length, INPUT, MSG_DONTWAIT);
    if (count == 0) return false;
    if (count < 0) return errno == EAGAIN;
    length += (size_t)count;

    size_t at = 0;
    if (!it->is_upgraded) {
        ssize_t taken = take_request(fd, input, length);
        if (taken < 0) return false;
        at = (size_t)taken;
    }
    if (it->is_upgraded) {
        ssize_t taken = take_frames(fd, input + at, length - at, joins);
        if (taken < 0) return false;
        at += (size_t)taken;
        // A flush in between may have dropped it as a reader.
        if (!it->is_open) return true;
    }
    it->rest_length = length - at;
    if (it->rest_length > INPUT) return false;
    if (it->rest_length > 0) {
        unsigned char *grown = realloc(it->rest, it->rest_length);
        if (!grown) return false;
        it->rest = grown;
        memcpy(it->rest, input + at, it->rest_length);
    } else if (it->rest) {
        free(it->rest);
        it->rest = NULL;
    }
    return true;
}

static void accept_all(int listener) {
    for (int i = 0; i < 64; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        if (fd >= MAX_SOCKETS) {
            close(fd);
            return;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        connections[fd] = (struct connection){.is_open = true, .place = -1};
        watch(fd, EPOLLIN, EPOLL_CTL_ADD);
    }
}

int main(int count, char **words) {
    if (count < 2) {
        fprintf(stderr, "usage: %s PORT [--no-join]\n", words[0]);
        return 64;
    }
    bool joins = count < 3 || strcmp(words[2], "--no-join") != 0;
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);

    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    check(bind(listener, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    check(listen(listener, 4096) == 0, "listen");
    poller = epoll_create1(EPOLL_CLOEXEC);
    watch(listener, EPOLLIN, EPOLL_CTL_ADD);

    struct epoll_event events[BATCH];
    for (;;) {
        int ready = epoll_wait(poller, events, BATCH, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                accept_all(listener);
                continue;
            }
            bool stays = connections[fd].is_open;
            if (stays && events[i].events & EPOLLOUT) stays = give_pending(fd);
            if (stays && events[i].events & ~(uint32_t)EPOLLOUT) stays = take_input(fd, joins);
            if (!stays) drop(fd);
        }
        if (end_count > 0) flush(joins);
    }
}
