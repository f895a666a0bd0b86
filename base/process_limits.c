/* prlimit(2) and getpriority(2). */
#include "base/process_limits.h"

#include <errno.h>
#include <stddef.h>
#include <sys/resource.h>

#define TIB ((uint64_t)1 << 40)

/* Of a limit at `enough` or above nothing is noticed. */
static const struct {
    __rlimit_resource_t resource;
    const char *name;
    uint64_t enough;
} process_limits_table[PROCESS_LIMITS_COUNT] = {
    {RLIMIT_FSIZE, "file_size", TIB}, {RLIMIT_CPU, "cpu_s", PROCESS_LIMITS_NONE}, {RLIMIT_AS, "memory", TIB},
    {RLIMIT_DATA, "data", TIB},       {RLIMIT_NPROC, "processes", 4096},          {RLIMIT_NOFILE, "descriptors", 8192},
};

const char *process_limits_name(unsigned index) {
    return process_limits_table[index].name;
}

int process_limits_resource(unsigned index) {
    return (int)process_limits_table[index].resource;
}

int process_limits_read(pid_t pid, struct process_limits *limits) {
    for (unsigned i = 0; i < PROCESS_LIMITS_COUNT; i++) {
        struct rlimit limit;
        if (prlimit(pid, process_limits_table[i].resource, NULL, &limit) < 0)
            return -errno;
        limits->hard[i] = limit.rlim_max == RLIM_INFINITY ? PROCESS_LIMITS_NONE : limit.rlim_max;
    }
    errno = 0;
    limits->nice = getpriority(PRIO_PROCESS, (id_t)pid);
    return -errno;
}

static uint64_t process_limits_felt(const struct process_limits *limits, unsigned index) {
    uint64_t value = limits->hard[index], enough = process_limits_table[index].enough;
    return value < enough ? value : enough;
}

bool process_limits_are_better(const struct process_limits *ours, const struct process_limits *theirs) {
    int our_nice = ours->nice > 0 ? ours->nice : 0, their_nice = theirs->nice > 0 ? theirs->nice : 0;
    bool better = our_nice < their_nice;
    if (our_nice > their_nice)
        return false;
    for (unsigned i = 0; i < PROCESS_LIMITS_COUNT; i++) {
        uint64_t our_value = process_limits_felt(ours, i), their_value = process_limits_felt(theirs, i);
        if (our_value < their_value)
            return false;
        better = better || our_value > their_value;
    }
    return better;
}
