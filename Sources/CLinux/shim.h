// What Swift's module of the C library leaves out: epoll(7), eventfd(2), accept4(2), malloc_trim(3).
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int accept4(int, struct sockaddr *, socklen_t *, int);

// send(2) past the C library's wrapper, which in a process with threads makes each call a point of cancellation. No thread here is ever cancelled.
// Returns the bytes written or a negative error code.
static inline ssize_t crier_send(int descriptor, const void *bytes, size_t count) {
    ssize_t written = syscall(SYS_sendto, descriptor, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL, (void *)0, (socklen_t)0);
    return written < 0 ? -errno : written;
}

#ifdef __GLIBC__
#include <malloc.h>
#endif

// Gives memory that was freed back to the system, where the C library's allocator would keep it.
static inline void crier_give_memory_back(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
