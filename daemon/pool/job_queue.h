/* The order in which waiting jobs are run: interactive before normal before background; within a
 * priority one job of each owner (connection) in turn; an owner's own jobs as they came. Pure: knows
 * nothing of I/O. */
#pragma once

#include <stddef.h>

#include "daemon/pool/job.h"

struct job_queue {
    struct list lanes[PRIORITY_COUNT]; /* of owners that have jobs of that priority, next first */
    size_t counts[PRIORITY_COUNT];
};

void job_queue_init(struct job_queue *queue);

/* Adds behind the jobs of the same owner and priority; the owner is job->client. */
void job_queue_push(struct job_queue *queue, struct job *job);

/* Adds before all other jobs of that priority: for a job that had its turn and lost its worker. */
void job_queue_push_front(struct job_queue *queue, struct job *job);

/* Takes the next job, or NULL. */
struct job *job_queue_pop(struct job_queue *queue);

/* Takes a job that is in the queue out of it. */
void job_queue_remove(struct job_queue *queue, struct job *job);

size_t job_queue_count(const struct job_queue *queue);
