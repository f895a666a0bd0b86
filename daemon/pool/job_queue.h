/* The order in which waiting jobs of one kind are run: interactive before normal before background; within a priority
 * round robin over the owners (connections); an owner's jobs as they came. Knows nothing of I/O and of hosts. */
#pragma once

#include <stddef.h>

#include "daemon/pool/job.h"

struct job_queue {
    struct list lanes[PRIORITY_COUNT]; /* of the owners that have jobs of that priority, the next one first */
    size_t counts[PRIORITY_COUNT];
};

void job_queue_init(struct job_queue *queue);

/* Adds behind the jobs of the same owner and priority; the owner is job->client. */
void job_queue_push(struct job_queue *queue, struct job *job);

/* Adds before all other jobs of that priority: for a job that has had its turn and lost its worker. */
void job_queue_push_front(struct job_queue *queue, struct job *job);

/* Takes the next job, or NULL. */
struct job *job_queue_pop(struct job_queue *queue);

/* Takes a job that is in the queue out of it. */
void job_queue_remove(struct job_queue *queue, struct job *job);

size_t job_queue_count(const struct job_queue *queue);
