/* The waiting jobs of a pool, by the kind of host that they need. Cleanups wait apart: they are the daemon's own jobs,
 * are run by shared hosts before all others, and are run even while the daemon drains. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/pool/job_queue.h"

struct queues {
    struct job_queue shared;
    struct job_queue pristine;
    struct list alone;    /* JOB_ALONE, first come, first served */
    struct list cleanups; /* JOB_CLEANUP */
};

void queues_init(struct queues *queues);

/* Lets a job wait. It must be in no list. A job that wants a solo host waits with those that run alone. */
void queues_push(struct queues *queues, struct job *job);

/* Lets a job that was with a worker wait again, before others of its priority. */
void queues_push_again(struct queues *queues, struct job *job);

/* Lets a job wait for a solo host, whatever it wants. */
void queues_push_alone(struct queues *queues, struct job *job);

/* Lets a cleanup wait. */
void queues_push_cleanup(struct queues *queues, struct job *cleanup);

/* Take the next job for a host of that kind, the next cleanup; NULL where none waits. */
struct job *queues_pop(struct queues *queues, enum host_kind kind);
struct job *queues_pop_cleanup(struct queues *queues);

/* The job that queues_pop(queues, HOST_SOLO) would take, or NULL. */
const struct job *queues_next_alone(const struct queues *queues);

/* Takes a waiting job out. */
void queues_remove(struct queues *queues, struct job *job);

/* Jobs that wait for a host of that kind; that wait at all, cleanups apart; that wait with that priority in queues. */
size_t queues_count_of(const struct queues *queues, enum host_kind kind);
size_t queues_count(const struct queues *queues);
size_t queues_count_priority(const struct queues *queues, enum priority priority);

/* Answers every job that waits for a host of that kind with Unavailable. */
void queues_fail(struct queues *queues, enum host_kind kind, const char *reason, bool retryable);

/* Gives up all waiting cleanups, or one that waits no more; this is logged. `python`: the pool's version. */
void queues_drop_cleanups(struct queues *queues, const char *python);
void queues_drop_cleanup(struct job *cleanup, const char *python);
