/* Two fair queues (job_queue.h) and two plain lists. */
#include "daemon/pool/queues.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "daemon/log.h"

void queues_init(struct queues *queues) {
    job_queue_init(&queues->shared);
    job_queue_init(&queues->pristine);
    list_init(&queues->alone);
    list_init(&queues->cleanups);
}

static struct job_queue *queues_of(struct queues *queues, enum host_kind kind) {
    assert(kind != HOST_SOLO);
    return kind == HOST_PRISTINE ? &queues->pristine : &queues->shared;
}

void queues_push(struct queues *queues, struct job *job) {
    if (job->wants == HOST_SOLO)
        queues_push_alone(queues, job);
    else
        job_queue_push(queues_of(queues, job->wants), job);
}

void queues_push_again(struct queues *queues, struct job *job) {
    if (job->kind == JOB_CLEAN) {
        job->state = JOB_CLEANUP;
        list_prepend(&queues->cleanups, &job->link);
    } else if (job->wants == HOST_SOLO) {
        queues_push_alone(queues, job);
    } else {
        job_queue_push_front(queues_of(queues, job->wants), job);
    }
}

void queues_push_alone(struct queues *queues, struct job *job) {
    job->state = JOB_ALONE;
    list_append(&queues->alone, &job->link);
}

void queues_push_cleanup(struct queues *queues, struct job *cleanup) {
    cleanup->state = JOB_CLEANUP;
    list_append(&queues->cleanups, &cleanup->link);
}

static struct job *queues_take_first(struct list *jobs) {
    if (list_empty(jobs))
        return NULL;
    struct job *job = list_entry(jobs->next, struct job, link);
    list_remove(&job->link);
    return job;
}

struct job *queues_pop(struct queues *queues, enum host_kind kind) {
    return kind == HOST_SOLO ? queues_take_first(&queues->alone) : job_queue_pop(queues_of(queues, kind));
}

struct job *queues_pop_cleanup(struct queues *queues) {
    return queues_take_first(&queues->cleanups);
}

const struct job *queues_next_alone(const struct queues *queues) {
    return list_empty(&queues->alone) ? NULL : list_entry(queues->alone.next, struct job, link);
}

void queues_remove(struct queues *queues, struct job *job) {
    if (job->state == JOB_QUEUED)
        job_queue_remove(queues_of(queues, job->wants), job);
    else
        list_remove(&job->link);
}

size_t queues_count_of(const struct queues *queues, enum host_kind kind) {
    size_t count = 0;
    switch (kind) {
    case HOST_SHARED:
        return job_queue_count(&queues->shared);
    case HOST_PRISTINE:
        return job_queue_count(&queues->pristine);
    case HOST_SOLO:
        list_each(link, &queues->alone)
            count++;
    }
    return count;
}

size_t queues_count(const struct queues *queues) {
    return queues_count_of(queues, HOST_SHARED) + queues_count_of(queues, HOST_PRISTINE) +
           queues_count_of(queues, HOST_SOLO);
}

size_t queues_count_priority(const struct queues *queues, enum priority priority) {
    return queues->shared.counts[priority] + queues->pristine.counts[priority];
}

void queues_fail(struct queues *queues, enum host_kind kind, const char *reason, bool retryable) {
    char *text = xstrdup(reason); /* an answer may cause a change of the original */
    struct job *job;
    while ((job = queues_pop(queues, kind)) != NULL)
        job_finish_unavailable(job, text, retryable);
    free(text);
}

void queues_drop_cleanup(struct job *cleanup, const char *python) {
    log_line("what job %llu of Python %s has left, if anything, is not removed", (unsigned long long)cleanup->id,
             python);
    job_free(cleanup);
}

void queues_drop_cleanups(struct queues *queues, const char *python) {
    struct job *cleanup;
    while ((cleanup = queues_pop_cleanup(queues)) != NULL)
        queues_drop_cleanup(cleanup, python);
}
