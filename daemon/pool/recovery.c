/* Deciding what a host's death says about each of its jobs. */
#include "daemon/pool/recovery.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "daemon/log.h"
#include "proto/rpc.h"

/* Hosts that may die under a job before it is given up. */
#define ATTEMPTS_MAX 2

/* Hosts that other processes may kill under a job before that explanation is no longer believed. */
#define SHOTS_MAX 10

/* Asks for the removal of files that the job's run may have left. */
static void recovery_clean_up(struct queues *queues, struct job *job) {
    if (job->kind == JOB_COMPILE)
        queues_push_cleanup(queues, job_new_cleanup(job));
}

static void recovery_wait_again(struct queues *queues, struct job *job) {
    if (job->kind == JOB_CLEAN)
        queues_push_again(queues, job);
    else if (job->census->draining)
        job_finish_unavailable(job, "the daemon is shutting down", true);
    else if (job->address == NULL)
        job_free(job);
    else
        queues_push_again(queues, job);
}

static void recovery_suspect(struct queues *queues, struct job *job) {
    if (job->census->draining || job->address == NULL)
        recovery_wait_again(queues, job);
    else
        queues_push_alone(queues, job);
}

static void recovery_finish_timeout(struct job *job) {
    cJSON *data = cJSON_CreateObject();
    cJSON_AddNumberToObject(data, "timeout_ms", job->timeout_ms);
    job->census->counters.timeouts++;
    char *message = xasprintf("Timeout: not compiled within %u ms", job->timeout_ms);
    job_finish_error(job, RPC_TIMEOUT, message, data);
    free(message);
}

static void recovery_finish_crashed(const struct host *host, struct job *job) {
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
static void recovery_retry_cleanup(const struct host *host, struct queues *queues, struct job *cleanup) {
    if (cleanup->timed_out || ++cleanup->attempts >= ATTEMPTS_MAX)
        queues_drop_cleanup(cleanup, host->group->python);
    else
        queues_push_again(queues, cleanup);
}

/* The job that was running when its host went. */
static void recovery_take_running(const struct host *host, struct queues *queues, struct job *job) {
    if (job->kind == JOB_CLEAN) {
        recovery_retry_cleanup(host, queues, job);
        return;
    }
    recovery_clean_up(queues, job);
    if (job->timed_out)
        recovery_finish_timeout(job);
    else if (host->blameless || (host_was_shot(host) && ++job->shots <= SHOTS_MAX))
        recovery_wait_again(queues, job);
    else if (++job->attempts >= ATTEMPTS_MAX)
        recovery_finish_crashed(host, job);
    else
        recovery_suspect(queues, job);
}

static void recovery_count_crash(struct host *host) {
    host->group->crashes++;
    host->group->census->counters.crashes++;
    log_line("a host of Python %s died of %s %d with %u jobs", host->group->python,
             host->term_signal ? "signal" : "exit status",
             host->term_signal ? host->term_signal : (int)host->exit_status, host_in_flight(host));
}

void recovery_take_jobs(struct host *host, struct queues *queues) {
    if (host_in_flight(host) > 0 && !host->blameless)
        recovery_count_crash(host);
    for (unsigned i = 0; i < host->worker_count; i++) {
        struct worker *worker = &host->workers[i];
        unsigned count = worker->in_flight;
        worker->in_flight = 0;
        for (unsigned j = count; j-- > 1;)
            recovery_wait_again(queues, worker->jobs[j]);
        if (count > 0)
            recovery_take_running(host, queues, worker->jobs[0]);
    }
}
