/* The requests that a worker has begun and not yet answered, in their order. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "host/worker_task.h"

/* The most requests, and the most bytes of their sources; then none is begun before the first is answered. */
#define TASK_QUEUE_MAX 64
#define TASK_QUEUE_BYTES_MAX ((size_t)4 << 20)

struct task_queue {
    struct worker_task *tasks[TASK_QUEUE_MAX]; /* a ring; owned */
    unsigned head, count;
    size_t bytes;
};

bool task_queue_has_room(const struct task_queue *queue);

/* Adds a task that was begun, and takes it. There must be room. */
void task_queue_add(struct task_queue *queue, struct worker_task *task);

/* The task whose turn it is, or NULL. */
struct worker_task *task_queue_first(const struct task_queue *queue);

/* Removes it; the caller owns it. */
struct worker_task *task_queue_take(struct task_queue *queue);

/* Frees all tasks. */
void task_queue_deinit(struct task_queue *queue);
