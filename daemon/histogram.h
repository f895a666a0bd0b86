/* A histogram of durations: counts in buckets whose bounds are fixed. */
#pragma once

#include <stdint.h>

#define HISTOGRAM_BOUNDS 14

struct histogram {
    uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* of durations up to that bound, and longer than the one before; the last:
                                            * longer than all */
    uint64_t sum_ns;
};

/* Bound `i` in seconds. */
double histogram_bound(unsigned i);

void histogram_add(struct histogram *histogram, uint64_t ns);
