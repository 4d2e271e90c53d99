// Counts a process's allocations in a file of eight bytes that another process may read: preloaded (ld.so(8), LD_PRELOAD) by test_allocations.py.

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

// glibc's own, past the names that are taken here.
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static uint64_t nowhere;
static uint64_t *count = &nowhere;

__attribute__((constructor)) static void open_count(void) {
    const char *path = getenv("ALLOCATION_COUNT");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *page = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (page != MAP_FAILED) count = page;
}

static void tally(void) { __atomic_fetch_add(count, 1, __ATOMIC_RELAXED); }

void *malloc(size_t size) {
    tally();
    return __libc_malloc(size);
}

void *calloc(size_t members, size_t size) {
    tally();
    return __libc_calloc(members, size);
}

void *realloc(void *old, size_t size) {
    tally();
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    tally();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    tally();
    *result = __libc_memalign(alignment, size);
    return *result ? 0 : ENOMEM;
}
