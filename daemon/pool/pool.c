/* See pool.h: which job goes to which worker, and when hosts are started and let go. */
#include "daemon/pool/pool.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/python_version.h"
#include "daemon/log.h"
#include "daemon/pool/job.h"
#include "daemon/pool/recovery.h"

/* Interpreters of one process, at most: one address space and one blast radius. */
#define HOST_WORKERS_MAX 16

/* How long after an interactive job workers get no job ahead. */
#define INTERACTIVE_MS 5000

/* A worker that has run a job for so long is not given another to keep waiting. */
#define PREFETCH_RUNNING_MAX_MS 200

static uint64_t now(const struct pool *pool) {
    return uv_now(&pool->server->loop);
}

/* From 3.12 on interpreters of one process run in parallel (PEP 684). */
static bool has_own_gil(const char *python) {
    return python_version_is_at_least(python, 3, 12);
}

struct pool *pool_new(struct server *server, const char *python, const char *program) {
    struct pool *pool = xcalloc(1, sizeof *pool);
    unsigned workers = server->options->workers;
    pool->server = server;
    pool->python = xstrdup(python);
    pool->program = xstrdup(program);
    pool->workers_per_host = !has_own_gil(python) ? 1 : workers < HOST_WORKERS_MAX ? workers : HOST_WORKERS_MAX;
    job_queue_init(&pool->queue);
    job_queue_init(&pool->pristine_queue);
    list_init(&pool->solo_jobs);
    list_init(&pool->cleanups);
    list_init(&pool->hosts);
    pool_start_init(&pool->start, &server->loop, pool);
    return pool;
}

void pool_close(struct pool *pool) {
    pool_start_close(&pool->start);
}

struct pool *pool_free(struct pool *pool) {
    assert(list_empty(&pool->hosts));
    free(pool->python);
    free(pool->program);
    free(pool->version);
    pool_start_deinit(&pool->start);
    free(pool);
    return NULL;
}

void pool_queue_solo(struct job *job) {
    job->state = JOB_SOLO;
    list_append(&job->pool->solo_jobs, &job->link);
}

size_t pool_waiting(const struct pool *pool) {
    size_t count = job_queue_count(&pool->queue) + job_queue_count(&pool->pristine_queue);
    list_each(link, &pool->solo_jobs)
        count++;
    return count;
}

/* Workers of shared hosts that run jobs or will. */
static unsigned live_workers(const struct pool *pool, unsigned *starting) {
    unsigned live = 0;
    *starting = 0;
    list_each(link, &pool->hosts) {
        struct host *host = list_entry(link, struct host, link);
        for (unsigned i = 0; host->kind == HOST_SHARED && !host->retiring && i < host->worker_count; i++) {
            live += host->workers[i].state == WORKER_READY || host->workers[i].state == WORKER_STARTING;
            *starting += host->workers[i].state == WORKER_STARTING;
        }
    }
    return live;
}

/* A ready worker of that kind with exactly `in_flight` jobs, or NULL. */
static struct worker *find_worker(struct pool *pool, enum host_kind kind, unsigned in_flight) {
    list_each(link, &pool->hosts) {
        struct host *host = list_entry(link, struct host, link);
        if (host->kind != kind || host->retiring)
            continue;
        for (unsigned i = 0; i < host->worker_count; i++) {
            struct worker *worker = &host->workers[i];
            if (worker->state == WORKER_READY && worker->in_flight == in_flight && in_flight < worker_depth(worker) &&
                (in_flight == 0 || now(pool) - worker->since_ms < PREFETCH_RUNNING_MAX_MS))
                return worker;
        }
    }
    return NULL;
}

static struct host *find_host(const struct pool *pool, enum host_kind kind) {
    list_each(link, &pool->hosts) {
        struct host *host = list_entry(link, struct host, link);
        if (host->kind == kind && !host->retiring)
            return host;
    }
    return NULL;
}

/* Jobs for shared workers: to who is idle; more workers while jobs wait; then, unless an editor is at work, one ahead
 * to who is busy: who waits for an answer waits for one compile at most, and gets the first worker that is free. */
static void dispatch_queue(struct pool *pool) {
    struct worker *worker;
    unsigned starting, live;
    size_t waiting;
    while (job_queue_count(&pool->queue) > 0 && (worker = find_worker(pool, HOST_SHARED, 0)) != NULL)
        worker_assign(worker, job_queue_pop(&pool->queue));
    while ((waiting = job_queue_count(&pool->queue)) > 0) {
        live = live_workers(pool, &starting);
        if (live >= pool->server->options->workers || starting >= waiting || !pool_start_worker(pool))
            break;
    }
    for (unsigned ahead = 1; ahead < WORKER_JOBS && now(pool) >= pool->interactive_until_ms; ahead++)
        while (job_queue_count(&pool->queue) > 0 && (worker = find_worker(pool, HOST_SHARED, ahead)) != NULL)
            worker_assign(worker, job_queue_pop(&pool->queue));
}

static struct job *take_first(struct list *jobs) {
    struct job *job = list_entry(jobs->next, struct job, link);
    list_remove(&job->link);
    return job;
}

static void dispatch_pristine(struct pool *pool) {
    if (job_queue_count(&pool->pristine_queue) > 0 && find_host(pool, HOST_PRISTINE) == NULL)
        pool_start_host(pool, HOST_PRISTINE, 1);
    for (unsigned ahead = 0; ahead < WORKER_JOBS; ahead++) {
        struct worker *worker;
        while (job_queue_count(&pool->pristine_queue) > 0 && (worker = find_worker(pool, HOST_PRISTINE, ahead)) != NULL)
            worker_assign(worker, job_queue_pop(&pool->pristine_queue));
    }
}

/* Solo hosts there are, at work or coming. */
static unsigned solo_hosts(const struct pool *pool) {
    unsigned count = 0;
    list_each(link, &pool->hosts)
        count += list_entry(link, struct host, link)->kind == HOST_SOLO;
    return count;
}

/* Each in a host of its own. Suspects as many at once as there may be workers; what needs much memory, when there is
 * no other. */
static void dispatch_solo(struct pool *pool) {
    struct worker *worker;
    while (!list_empty(&pool->solo_jobs) && (worker = find_worker(pool, HOST_SOLO, 0)) != NULL) {
        worker_assign(worker, take_first(&pool->solo_jobs));
        host_retire(worker->host);
    }
    if (list_empty(&pool->solo_jobs) || find_host(pool, HOST_SOLO) != NULL)
        return;
    struct job *next = list_entry(pool->solo_jobs.next, struct job, link);
    if (solo_hosts(pool) < (next->needs_own_host ? 1 : pool->server->options->workers))
        pool_start_host(pool, HOST_SOLO, 1);
}

/* Whoever has room removes what dead runs have left; also while draining, when a host may have to be started for it. */
static void dispatch_cleanups(struct pool *pool) {
    unsigned starting;
    for (unsigned ahead = 0; ahead < WORKER_JOBS; ahead++) {
        struct worker *worker;
        while (!list_empty(&pool->cleanups) && (worker = find_worker(pool, HOST_SHARED, ahead)) != NULL)
            worker_assign(worker, take_first(&pool->cleanups));
    }
    if (!list_empty(&pool->cleanups) && live_workers(pool, &starting) == 0)
        pool_start_worker(pool);
}

/* Where there is no host for what waits, and none can be started, waiting would be for ever. */
static void fail_if_hopeless(struct pool *pool) {
    static const enum host_kind kinds[] = {HOST_SHARED, HOST_PRISTINE, HOST_SOLO};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && pool_start_is_hopeless(pool); i++)
        if (find_host(pool, kinds[i]) == NULL)
            pool_fail_waiting(pool, kinds[i], pool->start.failure, pool->start.shortage);
    if (pool_start_is_hopeless(pool) && find_host(pool, HOST_SHARED) == NULL)
        pool_drop_cleanups(pool);
}

void pool_dispatch(struct pool *pool) {
    dispatch_cleanups(pool);
    if (!pool->draining) {
        dispatch_solo(pool);
        dispatch_pristine(pool);
        dispatch_queue(pool);
    }
    fail_if_hopeless(pool);
}

void pool_submit(struct pool *pool, struct job *job) {
    if (job->priority == PRIORITY_INTERACTIVE)
        pool->interactive_until_ms = now(pool) + INTERACTIVE_MS;
    pool->last_used_ms = now(pool);
    job_queue_push(job->needs_pristine ? &pool->pristine_queue : &pool->queue, job);
    pool_dispatch(pool);
}

void pool_cancel(struct job *job) {
    switch (job->state) {
    case JOB_QUEUED:
        job_queue_remove(job->needs_pristine ? &job->pool->pristine_queue : &job->pool->queue, job);
        job_free(job);
        break;
    case JOB_SOLO:
    case JOB_CLEANUP:
        list_remove(&job->link);
        job_free(job);
        break;
    case JOB_ASSIGNED:
        job_abandon(job);
        worker_limit(job->worker, job);
        break;
    }
}

void pool_warm(struct pool *pool) {
    unsigned starting;
    if (!pool->draining && live_workers(pool, &starting) == 0)
        pool_start_worker(pool);
    fail_if_hopeless(pool);
}

/* An interpreter that has ended leaks (CPython before 3.14), so a process is replaced as a whole: a host
 * of several interpreters, and every host beyond the first, goes; a fresh one is warmed in its place. */
void pool_shrink(struct pool *pool, uint64_t idle_ms) {
    bool kept = false, busy = pool_waiting(pool) > 0 || now(pool) - pool->last_used_ms < idle_ms;
    list_each(link, &pool->hosts)
        busy = busy || host_in_flight(list_entry(link, struct host, link)) > 0;
    if (busy || pool->draining)
        return;
    list_each(link, &pool->hosts) {
        struct host *host = list_entry(link, struct host, link);
        unsigned warm = 0;
        for (unsigned i = 0; i < host->worker_count; i++)
            warm += host->workers[i].state != WORKER_COLD;
        if (host->kind == HOST_SHARED && warm <= 1 && !kept && !host->retiring)
            kept = true;
        else
            host_retire(host);
    }
    if (!kept && pool->server->default_pool == pool)
        pool_warm(pool);
}

void pool_drain(struct pool *pool) {
    static const char reason[] = "the daemon is shutting down";
    pool->draining = true;
    pool_fail_waiting(pool, HOST_SHARED, reason, true);
    pool_fail_waiting(pool, HOST_PRISTINE, reason, true);
    pool_fail_waiting(pool, HOST_SOLO, reason, true);
}

void pool_retire(struct pool *pool) {
    list_each(link, &pool->hosts)
        host_retire(list_entry(link, struct host, link));
}

void pool_kill(struct pool *pool) {
    list_each(link, &pool->hosts) {
        struct host *host = list_entry(link, struct host, link);
        host->blameless = true;
        host_kill(host);
    }
}

void pool_host_ready(struct host *host) {
    struct pool *pool = host->pool;
    if (pool->version == NULL)
        pool->version = xstrdup(host->version);
}

void pool_worker_ready(struct worker *worker) {
    pool_start_succeeded(worker->host->pool);
    pool_dispatch(worker->host->pool);
}

/* A host that none of its workers came up in is of no use; one that has others goes on with those. */
void pool_worker_failed(struct worker *worker, const char *why) {
    struct host *host = worker->host;
    if (host->came_up) {
        log_line("a host of Python %s cannot have another interpreter: %s", host->pool->python, why);
        return;
    }
    free(host->failure);
    host->failure = xstrdup(why);
    host_kill(host);
}

void pool_host_grew(struct host *host) {
    struct pool *pool = host->pool;
    unsigned limit_mib = pool->server->options->host_memory_mib;
    if (limit_mib == 0 || host->retiring || host->rss_kb / 1024 < (long)limit_mib)
        return;
    log_line("a host of Python %s holds %ld MiB and is replaced", pool->python, host->rss_kb / 1024);
    host_retire(host);
}

void pool_host_gone(struct host *host) {
    struct pool *pool = host->pool;
    list_remove(&host->link);
    if (!host->left && (host->failure != NULL || !host->came_up))
        pool_start_failed(pool, pool_start_describe(host), host->failure == NULL && host->term_signal != 0);
    pool_recover_jobs(host);
    pool_dispatch(pool);
}

/* Whether the job's source was looked for in the cache: see host/job_cache.c. */
static bool asked_cache(const struct pool *pool, const struct job *job) {
    static const char *const names[] = {"cache", "source"};
    struct json_span found[2], use, source;
    if (pool->server->options->cache == NULL)
        return false;
    json_members(job->params, job->params_len, names, found, 2);
    use = found[0];
    source = found[1];
    return (use.text == NULL || json_span_is(use, "null") || json_span_is(use, "\"use\"")) &&
           (source.text == NULL || json_span_is(source, "null"));
}

/* Counts an answer by its kind. */
static void count(const struct pool *pool, const struct job *job, const struct rpc_message *answer) {
    struct counters *counters = &pool->server->counters;
    struct json_span outcome = json_member(answer->result.text, answer->result.len, "outcome");
    static const struct {
        const char *text;
        size_t offset;
    } kinds[] = {
        {"\"compiled\"", offsetof(struct counters, compiled)},
        {"\"up-to-date\"", offsetof(struct counters, up_to_date)},
        {"\"checked\"", offsetof(struct counters, checked)},
        {"\"cached\"", offsetof(struct counters, cached)},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (json_span_is(outcome, kinds[i].text))
            ++*(uint64_t *)((char *)counters + kinds[i].offset);
    counters->cache_misses += json_span_is(outcome, "\"compiled\"") && asked_cache(pool, job);
}

/* Where the host says that the job must be run elsewhere: lets it wait for that. False where it says something else. */
static bool run_elsewhere(struct pool *pool, struct job *job, long code) {
    if (code == RPC_NEEDS_PRISTINE && !job->needs_pristine)
        job->needs_pristine = true;
    else if (code == RPC_NEEDS_OWN_HOST && !job->needs_own_host)
        job->needs_own_host = job->needs_pristine = true;
    else
        return false;
    if (pool->draining)
        job_finish_unavailable(job, "the daemon is shutting down", true);
    else if (job->reply == NULL)
        job_free(job);
    else if (job->needs_own_host)
        pool_queue_solo(job);
    else
        job_queue_push(&pool->pristine_queue, job);
    return true;
}

static void error_answered(struct pool *pool, struct job *job, struct json_span error) {
    struct counters *counters = &pool->server->counters;
    struct json_span code = json_member(error.text, error.len, "code");
    long number = code.text ? strtol(code.text, NULL, 10) : 0;
    if (run_elsewhere(pool, job, number))
        return;
    counters->compile_errors += number == RPC_PY_COMPILE_ERROR;
    counters->os_errors += number == RPC_OS_ERROR;
    job_finish_raw_error(job, error);
}

void pool_job_answered(struct worker *worker, struct job *job, const struct rpc_message *answer) {
    struct pool *pool = worker->host->pool;
    pool->last_used_ms = now(pool);
    pool->server->counters.exact += job->needs_pristine && !job->is_search;
    if (answer->error.text != NULL) {
        error_answered(pool, job, answer->error);
    } else {
        count(pool, job, answer);
        job_finish_result(job, answer->result);
    }
    pool_dispatch(pool);
}
