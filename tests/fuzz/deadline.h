/* A deadline for one input of a fuzzer, in CPU time, so that a busy machine breaks none. An input that does not end at
 * all is ended by libFuzzer's -timeout. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The CPU time of this process, in milliseconds. */
static inline long deadline_cpu_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}

/* Aborts if more than `limit_ms` of CPU time have passed since `begin`. */
static inline void deadline_check(long begin, long limit_ms) {
    long used = deadline_cpu_ms() - begin;
    if (used <= limit_ms)
        return;
    fprintf(stderr, "the input took %ld ms, %ld are allowed\n", used, limit_ms);
    abort();
}
