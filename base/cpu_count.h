/* The number of processors that this process can use: those of its affinity mask, or fewer where a control group of the
 * process (cgroup(7), version 1 or 2) or a parent of that group has a CPU quota, as containers have. */
#pragma once

#include <stdbool.h>

struct cpu_count {
    unsigned cpus; /* 1 or more */
    bool by_quota; /* the quota is less than the affinity mask has */
};

/* Looks now; a quota can change. What cannot be read is no limit. */
struct cpu_count cpu_count(void);

/* The processors that the quotas are worth, rounded up; 0: there is no quota. `root`: the folder under which /proc and
 * all mount points are looked for, "" for the system's own. */
unsigned cpu_count_quota(const char *root);
