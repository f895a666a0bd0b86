/* The pool of one Python version: its waiting jobs, its hosts, and which job goes where.
 *
 * From 3.12 on a host holds many interpreters, each with its own GIL; before, one: the
 * pool has then as many hosts as workers. It grows while jobs wait and shrinks when idle.
 * What dies is found out by trial: a job that ran when a host died is tried once more, alone, in a host of
 * its own; the one that kills that too is answered with WorkerCrashed. Jobs that need much memory get hosts of their
 * own too, one after the other. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/pool/host.h"
#include "daemon/pool/job_queue.h"
#include "daemon/pool/start.h"
#include "daemon/server.h"
#include "proto/rpc.h"

struct pool {
    struct server *server;
    char *python;  /* "3.13" */
    char *program; /* path of its host */
    char *version; /* "3.13.0", or NULL before the first host was ready */
    unsigned workers_per_host;
    struct job_queue queue;
    struct job_queue pristine_queue; /* jobs for the pristine host */
    struct list solo_jobs;           /* JOB_SOLO */
    struct list cleanups;            /* JOB_CLEANUP */
    struct list hosts;
    uint64_t crashes;
    uint64_t last_used_ms;
    uint64_t interactive_until_ms; /* until then a person may ask for more, whom no job given ahead is to hold up */
    struct pool_start start;
    bool draining;
};

/* Makes a pool without hosts. pool_close() closes its handles, when it has none again; pool_free(): and the loop has
 * turned since. */
struct pool *pool_new(struct server *server, const char *python, const char *program);
void pool_close(struct pool *pool);
struct pool *pool_free(struct pool *pool);

/* Takes a job: it will be answered, whatever happens. */
void pool_submit(struct pool *pool, struct job *job);

/* Nobody waits for the job any more: frees it, unless it runs; then its answer is discarded. */
void pool_cancel(struct job *job);

/* Makes sure that one interpreter is up or coming. */
void pool_warm(struct pool *pool);

/* Shrinks to one interpreter if nothing was done for so long. */
void pool_shrink(struct pool *pool, uint64_t idle_ms);

/* Answers all waiting jobs with a retryable Unavailable; pool_retire(): lets all hosts go; pool_kill(): kills them, and
 * what runs is answered likewise. */
void pool_drain(struct pool *pool);
void pool_retire(struct pool *pool);
void pool_kill(struct pool *pool);

/* Gives what waits to who can take it, and starts hosts for the rest. */
void pool_dispatch(struct pool *pool);

/* Lets a job wait for a host of its own. It must be in no list. */
void pool_queue_solo(struct job *job);

/* Jobs that wait, of whatever kind. */
size_t pool_waiting(const struct pool *pool);

/* What host.c and worker.c tell. */
void pool_host_ready(struct host *host);
void pool_host_grew(struct host *host);
void pool_host_gone(struct host *host);
void pool_worker_ready(struct worker *worker);
void pool_worker_failed(struct worker *worker, const char *why);
void pool_job_answered(struct worker *worker, struct job *job, const struct rpc_message *answer);
