/* A lane a priority; in a lane one turn an owner, which goes to the end of the lane when it has been served. */
#include "daemon/pool/job_queue.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"

/* One owner's jobs of one priority; exists while it has any. */
struct turn {
    struct list link; /* in the lane */
    const void *owner;
    struct list jobs;
};

void job_queue_init(struct job_queue *queue) {
    for (int i = 0; i < PRIORITY_COUNT; i++) {
        list_init(&queue->lanes[i]);
        queue->counts[i] = 0;
    }
}

static struct turn *turn_new(const void *owner) {
    struct turn *turn = xcalloc(1, sizeof *turn);
    turn->owner = owner;
    list_init(&turn->link);
    list_init(&turn->jobs);
    return turn;
}

static struct turn *turn_find(struct list *lane, const void *owner) {
    for (struct list *link = lane->prev; link != lane; link = link->prev) {
        struct turn *turn = list_entry(link, struct turn, link);
        if (turn->owner == owner)
            return turn;
    }
    return NULL;
}

void job_queue_push(struct job_queue *queue, struct job *job) {
    struct list *lane = &queue->lanes[job->priority];
    struct turn *turn = turn_find(lane, job->client);
    if (turn == NULL) {
        turn = turn_new(job->client);
        list_append(lane, &turn->link);
    }
    list_append(&turn->jobs, &job->link);
    queue->counts[job->priority]++;
    job->state = JOB_QUEUED;
}

void job_queue_push_front(struct job_queue *queue, struct job *job) {
    struct list *lane = &queue->lanes[job->priority];
    struct turn *turn = turn_new(job->client);
    list_prepend(lane, &turn->link);
    list_append(&turn->jobs, &job->link);
    queue->counts[job->priority]++;
    job->state = JOB_QUEUED;
}

/* Takes the job out; frees its turn if that was its last job. */
static void job_queue_take(struct job_queue *queue, struct turn *turn, struct job *job) {
    list_remove(&job->link);
    queue->counts[job->priority]--;
    if (list_empty(&turn->jobs)) {
        list_remove(&turn->link);
        free(turn);
    }
}

struct job *job_queue_pop(struct job_queue *queue) {
    for (int i = 0; i < PRIORITY_COUNT; i++) {
        struct list *lane = &queue->lanes[i];
        if (list_empty(lane))
            continue;
        struct turn *turn = list_entry(lane->next, struct turn, link);
        struct job *job = list_entry(turn->jobs.next, struct job, link);
        list_remove(&turn->link);
        list_append(lane, &turn->link);
        job_queue_take(queue, turn, job);
        return job;
    }
    return NULL;
}

void job_queue_remove(struct job_queue *queue, struct job *job) {
    assert(job->state == JOB_QUEUED);
    list_each(link, &queue->lanes[job->priority]) {
        struct turn *turn = list_entry(link, struct turn, link);
        if (turn->owner != job->client)
            continue;
        list_each(job_link, &turn->jobs) {
            if (job_link == &job->link) {
                job_queue_take(queue, turn, job);
                return;
            }
        }
    }
    assert(!"the job is not in the queue");
}

size_t job_queue_count(const struct job_queue *queue) {
    size_t count = 0;
    for (int i = 0; i < PRIORITY_COUNT; i++)
        count += queue->counts[i];
    return count;
}
