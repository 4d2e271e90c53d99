#include "histogram.h"

double histogram_percentile(const struct histogram *it, double percent) {
    if (it->total == 0) return 0;
    double wanted = (double)it->total * percent / 100;
    uint64_t passed = 0;
    for (uint64_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        passed += it->counts[bucket];
        if ((double)passed < wanted || passed == 0) continue;
        int shift = (int)(bucket >> SUB_BUCKET_BITS) - 1;
        uint64_t sub = bucket & ((1u << SUB_BUCKET_BITS) - 1);
        double middle =
            shift < 0 ? (double)bucket : ((double)(sub + (1u << SUB_BUCKET_BITS)) + 0.5) * (double)(1ull << shift);
        double limit = (double)it->max;
        return (middle < limit ? middle : limit) / 1e6;
    }
    return (double)it->max / 1e6;
}
