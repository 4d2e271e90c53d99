// Sockets, clocks and how the tool gives up.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Says why and ends the process with status 1.
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/// CLOCK_MONOTONIC in nanoseconds.
int64_t now(void);

/// CPU time of this process in nanoseconds.
int64_t own_cpu(void);

/// A non-blocking socket on its way to 127.0.0.1. `seed` picks one of several source addresses, so that ports do not
/// run out. `receive_buffer` is its size in bytes, 0 for the kernel's own.
int open_socket(uint16_t port, int seed, int receive_buffer);

/// Sends as much as the kernel takes now: bytes sent, 0 when it takes none (the socket may still be connecting), -1
/// when the peer is gone.
ptrdiff_t send_some(int fd, const void *bytes, size_t length);

/// Nanoseconds as what `epoll_pwait2` takes.
struct timespec timespec_of(int64_t nanoseconds);
