// Durations in buckets whose width is at most 1/64 of their value, as an HDR histogram has them.
#pragma once
#include <stdint.h>

enum { SUB_BUCKET_BITS = 6, HISTOGRAM_BUCKETS = (64 - SUB_BUCKET_BITS + 1) << SUB_BUCKET_BITS };

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total;
    int64_t max;
};

static inline void histogram_record(struct histogram *it, int64_t nanoseconds) {
    uint64_t value = nanoseconds < 0 ? 0 : (uint64_t)nanoseconds;
    int shift = value >> SUB_BUCKET_BITS ? 63 - __builtin_clzll(value) - SUB_BUCKET_BITS : -1;
    uint64_t bucket =
        shift < 0 ? value : ((uint64_t)(shift + 1) << SUB_BUCKET_BITS) + (value >> shift) - (1u << SUB_BUCKET_BITS);
    it->counts[bucket]++;
    it->total++;
    if (nanoseconds > it->max) it->max = nanoseconds;
}

/// In milliseconds: the middle of the bucket in which that share of the values ends; 0 if nothing was recorded.
double histogram_percentile(const struct histogram *it, double percent);
