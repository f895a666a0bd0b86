/* The workers of a pool: how many there are, and which of them can take a job, by the kind of their host and the number
 * of their jobs. Finding one costs the same for any number of workers. Which job it gets is the pool's business. */
#pragma once

#include <stdint.h>

#include "base/list.h"
#include "daemon/pool/host.h"

struct roster {
    const struct host_group *group;
    unsigned live;     /* workers of shared hosts that run jobs or will, after roster_count() */
    unsigned starting; /* those of them that are starting */
    uint64_t counted;  /* group->changes at the last count */
    struct list room[HOST_SOLO + 1][WORKER_JOBS];
};

/* Begins without workers. The group is borrowed. */
void roster_init(struct roster *roster, const struct host_group *group);

/* Brings the counts of workers up to date. Costs nothing where nothing has changed. */
void roster_count(struct roster *roster);

/* Lists a worker anew: it came up, or the number of its jobs has changed. */
void roster_update(struct roster *roster, struct worker *worker);

/* Takes the workers of a host out of the lists: the host is gone. */
void roster_remove_host(struct host *host);

/* A ready worker of that kind with exactly `in_flight` jobs and room for another, or NULL. Among idle workers it is the
 * one that was busy last, whose memory is still in the processor's caches, and one that has had no job yet only where
 * there is no other; among busy ones it is the one that has run its job for the longest time. */
struct worker *roster_find(struct roster *roster, enum host_kind kind, unsigned in_flight, uint64_t now_ms);
