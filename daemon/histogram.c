/* Bounds from a millisecond to a minute, the daemon's default limit of a job. */
#include "daemon/histogram.h"

static const uint64_t histogram_bounds_us[HISTOGRAM_BOUNDS] = {
    500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 5000000, 15000000, 60000000,
};

double histogram_bound(unsigned i) {
    return (double)histogram_bounds_us[i] / 1e6;
}

void histogram_add(struct histogram *histogram, uint64_t ns) {
    unsigned i = 0;
    while (i < HISTOGRAM_BOUNDS && ns > histogram_bounds_us[i] * 1000)
        i++;
    histogram->counts[i]++;
    histogram->sum_ns += ns;
}
