/* See recovery.h. */
#include "daemon/pool/recovery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "daemon/log.h"
#include "daemon/pool/job.h"

/* Hosts that may die under a job before it is given up. */
#define ATTEMPTS_MAX 2

/* And those that other processes killed, before that is believed no more. */
#define SHOTS_MAX 10

static void fail_queue(struct job_queue *queue, const char *reason, bool retryable) {
    struct job *job;
    while ((job = job_queue_pop(queue)) != NULL)
        job_finish_unavailable(job, reason, retryable);
}

static void fail_solo_jobs(struct pool *pool, const char *reason, bool retryable) {
    while (!list_empty(&pool->solo_jobs)) {
        struct job *job = list_entry(pool->solo_jobs.next, struct job, link);
        list_remove(&job->link);
        job_finish_unavailable(job, reason, retryable);
    }
}

void pool_fail_waiting(struct pool *pool, enum host_kind kind, const char *reason, bool retryable) {
    char *text = xstrdup(reason); /* answering may start what changes the original */
    switch (kind) {
    case HOST_SHARED:
        fail_queue(&pool->queue, text, retryable);
        break;
    case HOST_PRISTINE:
        fail_queue(&pool->pristine_queue, text, retryable);
        break;
    case HOST_SOLO:
        fail_solo_jobs(pool, text, retryable);
        break;
    }
    free(text);
}

static void drop_cleanup(struct job *job) {
    log_line("what job %llu of Python %s has left, if anything, is not removed", (unsigned long long)job->id,
             job->pool->python);
    job_free(job);
}

void pool_drop_cleanups(struct pool *pool) {
    while (!list_empty(&pool->cleanups)) {
        struct job *job = list_entry(pool->cleanups.next, struct job, link);
        list_remove(&job->link);
        drop_cleanup(job);
    }
}

/* Asks for the removal of what the job's run may have left. */
static void clean_up(struct pool *pool, struct job *job) {
    if (strcmp(job->method, "compile") != 0)
        return;
    struct job *cleanup = job_new_cleanup(job);
    cleanup->state = JOB_CLEANUP;
    list_append(&pool->cleanups, &cleanup->link);
}

static void wait_again(struct pool *pool, struct job *job) {
    if (job->is_cleanup) {
        job->state = JOB_CLEANUP;
        list_prepend(&pool->cleanups, &job->link);
    } else if (pool->draining) {
        job_finish_unavailable(job, "the daemon is shutting down", true);
    } else if (job->reply == NULL) {
        job_free(job);
    } else if (job->needs_own_host) {
        pool_queue_solo(job);
    } else {
        job_queue_push_front(job->needs_pristine ? &pool->pristine_queue : &pool->queue, job);
    }
}

static void suspect(struct pool *pool, struct job *job) {
    if (pool->draining || job->reply == NULL) {
        wait_again(pool, job);
        return;
    }
    pool_queue_solo(job);
}

static void finish_timeout(struct job *job) {
    cJSON *data = cJSON_CreateObject();
    cJSON_AddNumberToObject(data, "timeout_ms", job->timeout_ms);
    job->pool->server->counters.timeouts++;
    char *message = xasprintf("Timeout: not compiled within %u ms", job->timeout_ms);
    job_finish_error(job, RPC_TIMEOUT, message, data);
    free(message);
}

static void finish_crashed(struct host *host, struct job *job) {
    cJSON *data = cJSON_CreateObject();
    char *message;
    if (host->term_signal != 0) {
        cJSON_AddNumberToObject(data, "signal", host->term_signal);
        message = xasprintf("WorkerCrashed: the compiler died of signal %d (%s)", host->term_signal,
                            strsignal(host->term_signal));
    } else {
        cJSON_AddNumberToObject(data, "exit_status", (double)host->exit_status);
        message = xasprintf("WorkerCrashed: the compiler exited with status %lld", (long long)host->exit_status);
    }
    cJSON_AddNumberToObject(data, "attempts", job->attempts);
    job_finish_error(job, RPC_WORKER_CRASHED, message, data);
    free(message);
}

/* A cleanup is tried again, but not for ever. */
static void recover_cleanup(struct host *host, struct job *job) {
    if (job->timed_out || ++job->attempts >= ATTEMPTS_MAX)
        drop_cleanup(job);
    else
        wait_again(host->pool, job);
}

/* The job that was running when its host went. */
static void recover_running(struct host *host, struct job *job) {
    if (job->is_cleanup) {
        recover_cleanup(host, job);
        return;
    }
    clean_up(host->pool, job);
    if (job->timed_out) {
        finish_timeout(job);
    } else if (host->blameless || (host_was_shot(host) && ++job->shots <= SHOTS_MAX)) {
        wait_again(host->pool, job);
    } else if (++job->attempts >= ATTEMPTS_MAX) {
        finish_crashed(host, job);
    } else {
        suspect(host->pool, job);
    }
}

void pool_recover_jobs(struct host *host) {
    struct pool *pool = host->pool;
    if (host_in_flight(host) > 0 && !host->blameless) {
        pool->crashes++;
        pool->server->counters.crashes++;
        log_line("a host of Python %s died of %s %d with %u jobs", pool->python,
                 host->term_signal ? "signal" : "exit status",
                 host->term_signal ? host->term_signal : (int)host->exit_status, host_in_flight(host));
    }
    for (unsigned i = 0; i < host->worker_count; i++) {
        struct worker *worker = &host->workers[i];
        for (unsigned j = worker->in_flight; j-- > 1;)
            wait_again(pool, worker->jobs[j]);
        if (worker->in_flight > 0)
            recover_running(host, worker->jobs[0]);
        worker->in_flight = 0;
    }
}
