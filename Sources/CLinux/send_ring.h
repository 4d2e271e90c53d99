// Many sends by one system call: io_uring(7), without liburing, as far as a fan-out needs it.
//
// A ring belongs to the thread that opens it. Every send is non-blocking, so that its result is there when the call comes back.
#pragma once
#include <errno.h>
#include <limits.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// What a send has as its result that the kernel was not asked for.
enum { CRIER_NOT_SENT = INT_MIN };

struct crier_send_ring {
    int descriptor;
    unsigned *sends_head, *sends_tail, *results_head, *results_tail;
    unsigned sends_mask, results_mask;
    struct io_uring_sqe *sends;
    struct io_uring_cqe *results;
    void *queues;
    size_t queues_size, sends_size;
};

static inline void crier_send_ring_close(struct crier_send_ring *ring) {
    if (ring->sends) munmap(ring->sends, ring->sends_size);
    if (ring->queues) munmap(ring->queues, ring->queues_size);
    if (ring->descriptor >= 0) close(ring->descriptor);
    ring->descriptor = -1;
    ring->queues = ring->sends = NULL;
}

// Opens a ring for `capacity` sends at a time, a power of two. Returns 0 or a negative error code: old kernels and many containers have no io_uring.
static inline int crier_send_ring_open(struct crier_send_ring *ring, unsigned capacity) {
    memset(ring, 0, sizeof *ring);
    ring->descriptor = -1;
    // One thread, whose results are made by its own calls: no interrupts of it, no locks. Of Linux 6.1.
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL};
    long descriptor = syscall(__NR_io_uring_setup, capacity, &parameters);
    if (descriptor < 0) return -errno;
    ring->descriptor = (int)descriptor;
    if (!(parameters.features & IORING_FEAT_SINGLE_MMAP)) {
        crier_send_ring_close(ring);
        return -ENOSYS;
    }
    size_t results_end = parameters.cq_off.cqes + parameters.cq_entries * sizeof(struct io_uring_cqe);
    size_t sends_end = parameters.sq_off.array + parameters.sq_entries * sizeof(unsigned);
    ring->queues_size = results_end > sends_end ? results_end : sends_end;
    ring->sends_size = parameters.sq_entries * sizeof(struct io_uring_sqe);
    char *queues = mmap(
        NULL, ring->queues_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->descriptor,
        IORING_OFF_SQ_RING);
    if (queues != MAP_FAILED) ring->queues = queues;
    void *sends = mmap(
        NULL, ring->sends_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->descriptor, IORING_OFF_SQES);
    if (sends != MAP_FAILED) ring->sends = (struct io_uring_sqe *)sends;
    if (!ring->queues || !ring->sends) {
        crier_send_ring_close(ring);
        return -ENOMEM;
    }
    ring->sends_head = (unsigned *)(queues + parameters.sq_off.head);
    ring->sends_tail = (unsigned *)(queues + parameters.sq_off.tail);
    ring->sends_mask = parameters.sq_entries - 1;
    unsigned *order = (unsigned *)(queues + parameters.sq_off.array);
    for (unsigned i = 0; i < parameters.sq_entries; i++) order[i] = i;
    ring->results_head = (unsigned *)(queues + parameters.cq_off.head);
    ring->results_tail = (unsigned *)(queues + parameters.cq_off.tail);
    ring->results_mask = parameters.cq_entries - 1;
    ring->results = (struct io_uring_cqe *)(queues + parameters.cq_off.cqes);
    return 0;
}

static inline unsigned crier_send_ring_take(struct crier_send_ring *ring, int *results, unsigned count) {
    unsigned taken = 0, head = *ring->results_head;
    unsigned tail = __atomic_load_n(ring->results_tail, __ATOMIC_ACQUIRE);
    for (; head != tail; head++, taken++) {
        struct io_uring_cqe *result = &ring->results[head & ring->results_mask];
        if (result->user_data < count) results[result->user_data] = result->res;
    }
    __atomic_store_n(ring->results_head, head, __ATOMIC_RELEASE);
    return taken;
}

// Sends the same bytes on `count` descriptors, at most as many as the ring has room for.
//
// Fills `results` with the bytes written, negative error codes, and CRIER_NOT_SENT for those that the kernel did not take. Returns 0, or a negative
// error code where there is one of these: the ring is of no more use then.
static inline int crier_send_ring_send(
    struct crier_send_ring *ring, const int *descriptors, int *results, unsigned count, const void *bytes,
    unsigned length) {
    unsigned tail = *ring->sends_tail;
    for (unsigned i = 0; i < count; i++) {
        struct io_uring_sqe *send = &ring->sends[(tail + i) & ring->sends_mask];
        memset(send, 0, sizeof *send);
        send->opcode = IORING_OP_SEND;
        send->fd = descriptors[i];
        send->addr = (unsigned long)bytes;
        send->len = length;
        send->msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL;
        send->user_data = i;
        // What becomes of one whose result never comes is unknown, and so an error.
        results[i] = -ECANCELED;
    }
    __atomic_store_n(ring->sends_tail, tail + count, __ATOMIC_RELEASE);
    int failure = 0;
    unsigned given = 0, taken = 0, flags = 0;
    for (;;) {
        unsigned awaited = flags ? count - taken : 0;
        long accepted = syscall(__NR_io_uring_enter, ring->descriptor, count - given, awaited, flags, NULL, 0);
        if (accepted > 0) given += (unsigned)accepted;
        taken += crier_send_ring_take(ring, results, count);
        if (taken == count) return failure;
        // Results are there when the call comes back; where one is not, it is waited for.
        flags = IORING_ENTER_GETEVENTS;
        if (accepted >= 0 || errno == EINTR) continue;
        if (failure) return failure;
        failure = -errno;
        given = __atomic_load_n(ring->sends_head, __ATOMIC_ACQUIRE) - tail;
        __atomic_store_n(ring->sends_tail, tail + given, __ATOMIC_RELEASE);
        for (unsigned i = given; i < count; i++) results[i] = CRIER_NOT_SENT;
        count = given;
        if (taken == count) return failure;
    }
}
