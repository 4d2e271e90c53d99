// What Swift's module of the C library leaves out: epoll(7), eventfd(2), accept4(2), malloc_trim(3).
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int accept4(int, struct sockaddr *, socklen_t *, int);

// epoll_pwait2(2) where the kernel has it (Linux 5.11), since epoll_wait(2) knows milliseconds only, which it then rounds up.
// nanoseconds: how long at most; 0 looks only, -1 waits for ever.
static inline int crier_epoll_wait(int epoll, struct epoll_event *events, int count, long long nanoseconds) {
#ifdef SYS_epoll_pwait2
    if (nanoseconds > 0) {
        // The kernel's own timespec has 64 bits wherever this call exists.
        struct {
            long long seconds, nanoseconds;
        } timeout = {nanoseconds / 1000000000, nanoseconds % 1000000000};
        int ready = (int)syscall(SYS_epoll_pwait2, epoll, events, count, &timeout, (void *)0, (size_t)0);
        if (ready >= 0 || errno != ENOSYS) return ready;
    }
#endif
    long long milliseconds = (nanoseconds + 999999) / 1000000;
    return epoll_wait(epoll, events, count, nanoseconds < 0 ? -1 : milliseconds > 1000000 ? 1000000 : (int)milliseconds);
}

// send(2) past the C library's wrapper, which in a process with threads makes each call a point of cancellation. No thread here is ever cancelled.
static inline ssize_t crier_send(int descriptor, const void *bytes, size_t count) {
    return syscall(SYS_sendto, descriptor, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL, (void *)0, (socklen_t)0);
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
