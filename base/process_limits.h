/* The limits that a process hands on to all that it starts: hard limits (getrlimit(2)) and the nice value. The daemon
 * reports its own; a client compares the daemon's with its own. Soft limits are not looked at: the daemon raises them
 * to the hard ones. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_LIMITS_COUNT 6

/* No limit. */
#define PROCESS_LIMITS_NONE UINT64_MAX

struct process_limits {
    uint64_t hard[PROCESS_LIMITS_COUNT]; /* bytes, seconds or a number; PROCESS_LIMITS_NONE: no limit */
    int nice;
};

/* The name of a hard limit, as in `status`. */
const char *process_limits_name(unsigned index);

/* The resource of a hard limit, for getrlimit(2). */
int process_limits_resource(unsigned index);

/* Reads the limits of process `pid` (0: this process). Returns 0 or a negative errno value. */
int process_limits_read(pid_t pid, struct process_limits *limits);

/* Whether `ours` is no worse than `theirs` in any respect, and better in one. Differences above what a daemon can need
 * do not count, nor do negative nice values. This is a strict partial order. */
bool process_limits_are_better(const struct process_limits *ours, const struct process_limits *theirs);
