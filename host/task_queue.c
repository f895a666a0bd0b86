/* A ring of pointers: a task stays where it is in memory, since its job points into it. */
#include "host/task_queue.h"

#include <stdlib.h>

bool task_queue_has_room(const struct task_queue *queue) {
    return queue->count == 0 || (queue->count < TASK_QUEUE_MAX && queue->bytes < TASK_QUEUE_BYTES_MAX);
}

void task_queue_add(struct task_queue *queue, struct worker_task *task) {
    queue->tasks[(queue->head + queue->count++) % TASK_QUEUE_MAX] = task;
    queue->bytes += worker_task_bytes(task);
}

struct worker_task *task_queue_first(const struct task_queue *queue) {
    return queue->count > 0 ? queue->tasks[queue->head] : NULL;
}

struct worker_task *task_queue_take(struct task_queue *queue) {
    struct worker_task *task = queue->tasks[queue->head];
    queue->head = (queue->head + 1) % TASK_QUEUE_MAX;
    queue->count--;
    queue->bytes -= worker_task_bytes(task);
    return task;
}

void task_queue_deinit(struct task_queue *queue) {
    while (queue->count > 0) {
        struct worker_task *task = task_queue_take(queue);
        worker_task_deinit(task);
        free(task);
    }
}
