/* See pool_recovery.h. */
#include "daemon/pool_recovery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/job.h"
#include "daemon/log.h"
#include "proto/buffer.h"

/* Hosts that may die under a job before it is given up. */
#define ATTEMPTS_MAX 2

void pool_fail_waiting(struct pool *pool, const char *reason, bool retryable) {
    char *text = xstrdup(reason); /* answering may start what changes the original */
    struct job *job;
    while ((job = job_queue_pop(&pool->queue)) != NULL)
        job_finish_unavailable(job, text, retryable);
    struct list *lists[] = {&pool->pristine_jobs, &pool->suspects};
    for (int i = 0; i < 2; i++) {
        while (!list_empty(lists[i])) {
            job = list_entry(lists[i]->next, struct job, link);
            list_remove(&job->link);
            job_finish_unavailable(job, text, retryable);
        }
    }
    free(text);
}

static void wait_again(struct pool *pool, struct job *job) {
    if (pool->draining) {
        job_finish_unavailable(job, "the daemon is shutting down", true);
    } else if (job->reply == NULL) {
        job_free(job);
    } else if (job->needs_pristine) {
        job->state = JOB_PRISTINE;
        list_prepend(&pool->pristine_jobs, &job->link);
    } else {
        job_queue_push_front(&pool->queue, job);
    }
}

static void suspect(struct pool *pool, struct job *job) {
    if (pool->draining || job->reply == NULL) {
        wait_again(pool, job);
        return;
    }
    job->state = JOB_SUSPECT;
    list_append(&pool->suspects, &job->link);
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

/* The job that was running when its host went. */
static void recover_running(struct host *host, struct job *job, bool killed_by_us) {
    if (host->timed_out == job) {
        finish_timeout(job);
    } else if (killed_by_us) {
        wait_again(host->pool, job);
    } else if (++job->attempts >= ATTEMPTS_MAX) {
        finish_crashed(host, job);
    } else {
        suspect(host->pool, job);
    }
}

void pool_recover_jobs(struct host *host) {
    struct pool *pool = host->pool;
    bool killed_by_us = host->timed_out != NULL;
    if (host_in_flight(host) > 0 && !killed_by_us) {
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
            recover_running(host, worker->jobs[0], killed_by_us);
        worker->in_flight = 0;
    }
}

char *pool_describe_failure(const struct host *host) {
    if (host->failure != NULL)
        return xasprintf("no host for Python %s: %s", host->pool->python, host->failure);
    if (host->term_signal != 0)
        return xasprintf("no host for Python %s: %s died of signal %d while it started", host->pool->python,
                         host->pool->program, host->term_signal);
    return xasprintf("no host for Python %s: %s exited with status %lld while it started", host->pool->python,
                     host->pool->program, (long long)host->exit_status);
}
