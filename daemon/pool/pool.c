/* Dispatch: which job goes to which worker, and when hosts are started and let go. */
#include "daemon/pool/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/python_version.h"
#include "daemon/log.h"
#include "daemon/pool/recovery.h"
#include "daemon/pool/tally.h"
#include "proto/rpc.h"

/* Interpreters of one process, at most: one address space and one blast radius. */
#define HOST_WORKERS_MAX 16

/* Time after an interactive job in which there is no prefetch. */
#define INTERACTIVE_MS 5000

/* Jobs that wait for a pristine host when another is started. */
#define PRISTINE_JOBS 4

/* An interpreter that was named at run time keeps one host until it has been idle for this many times the idle time. */
#define FORGOTTEN_AFTER 10

/* Hosts that may refuse a job in a row since the Python on disk is no longer theirs. */
#define RENEWALS_MAX 8

static const char shutting_down[] = "the daemon is shutting down";

static const struct host_events pool_host_events;

static uint64_t pool_now(const struct pool *pool) {
    return uv_now(pool->group.loop);
}

static bool pool_is_draining(const struct pool *pool) {
    return pool->group.census->draining;
}

static struct pool *pool_of(struct host *host) {
    return list_entry(host->group, struct pool, group);
}

static void pool_dispatch(struct pool *pool);

static void pool_on_retry(struct starter *starter) {
    pool_dispatch(list_entry(starter, struct pool, starter));
}

/* From 3.12 on interpreters of one process run in parallel (PEP 684). */
static unsigned pool_workers_per_host(const char *python, unsigned workers) {
    if (!python_version_is_at_least(python, 3, 12))
        return 1;
    return workers < HOST_WORKERS_MAX ? workers : HOST_WORKERS_MAX;
}

struct pool *pool_new(const struct host_group *model, const char *python, const char *program) {
    struct pool *pool = xcalloc(1, sizeof *pool);
    pool->python = xstrdup(python);
    pool->program = xstrdup(program);
    pool->group = *model;
    pool->group.events = &pool_host_events;
    pool->group.python = pool->python;
    pool->group.program = pool->program;
    pool->proven = true;
    list_init(&pool->group.hosts);
    queues_init(&pool->queues);
    roster_init(&pool->roster, &pool->group);
    start_init(&pool->starter, &pool->group, pool_workers_per_host(python, model->options->workers), pool_on_retry);
    return pool;
}

void pool_close(struct pool *pool) {
    start_close(&pool->starter);
}

struct pool *pool_free(struct pool *pool) {
    if (pool == NULL)
        return NULL;
    assert(list_empty(&pool->group.hosts));
    start_deinit(&pool->starter);
    free(pool->python);
    free(pool->program);
    free(pool->version);
    free(pool->interpreter);
    free(pool->files);
    interpreter_file_deinit(&pool->file);
    free(pool);
    return NULL;
}

void pool_take_interpreter(struct pool *pool, struct interpreter_file *file) {
    pool_retire(pool);
    start_reset(&pool->starter);
    interpreter_file_deinit(&pool->file);
    free(pool->python);
    free(pool->interpreter);
    free(pool->version);
    pool->file = *file;
    *file = (struct interpreter_file){0};
    pool->python = xstrdup(pool->file.path);
    pool->interpreter = xstrdup(pool->file.path);
    pool->version = NULL;
    pool->group.python = pool->python;
    pool->group.interpreter = pool->file.path;
    pool->group.crashes = 0;
    pool->proven = false;
}

static void pool_give(struct pool *pool, struct worker *worker, struct job *job) {
    worker_assign(worker, job);
    roster_update(&pool->roster, worker);
}

static struct worker *pool_find_worker(struct pool *pool, enum host_kind kind, unsigned in_flight) {
    return roster_find(&pool->roster, kind, in_flight, pool_now(pool));
}

/* Gives waiting jobs to workers of that kind that have exactly `in_flight` jobs. */
static void pool_assign(struct pool *pool, enum host_kind kind, unsigned in_flight) {
    struct worker *worker;
    while (queues_count_of(&pool->queues, kind) > 0 && (worker = pool_find_worker(pool, kind, in_flight)) != NULL)
        pool_give(pool, worker, queues_pop(&pool->queues, kind));
}

/* Brings workers up while jobs wait, one a job, up to the limit. */
static void pool_grow(struct pool *pool) {
    size_t waiting;
    while ((waiting = queues_count_of(&pool->queues, HOST_SHARED)) > 0) {
        roster_count(&pool->roster);
        if (pool->roster.live >= pool->group.options->workers || pool->roster.starting >= waiting ||
            !start_worker(&pool->starter))
            break;
    }
}

/* Idle workers come first, then new ones. Prefetch is last, and off while an editor is at work: an interactive job then
 * gets the first worker that is free, and waits for one compile at most. */
static void pool_dispatch_shared(struct pool *pool) {
    pool_assign(pool, HOST_SHARED, 0);
    pool_grow(pool);
    for (unsigned ahead = 1; ahead < WORKER_JOBS && pool_now(pool) >= pool->interactive_until_ms; ahead++)
        pool_assign(pool, HOST_SHARED, ahead);
}

/* Pristine hosts that are up or starting. */
static unsigned pool_count_pristine(const struct pool *pool) {
    unsigned count = 0;
    list_each(link, &pool->group.hosts) {
        const struct host *host = list_entry(link, struct host, link);
        count += host->kind == HOST_PRISTINE && !host->retiring;
    }
    return count;
}

/* As many pristine hosts as workers at most, each with one job at a time. One is started for each PRISTINE_JOBS that
 * wait, since its start costs about as much as they do. */
static void pool_dispatch_pristine(struct pool *pool) {
    size_t waiting;
    pool_assign(pool, HOST_PRISTINE, 0);
    while ((waiting = queues_count_of(&pool->queues, HOST_PRISTINE)) > 0) {
        unsigned count = pool_count_pristine(pool);
        bool enough = count > 0 && (count >= pool->group.options->workers || waiting <= count * PRISTINE_JOBS);
        if (enough || start_host(&pool->starter, HOST_PRISTINE, 1) == NULL)
            break;
    }
    for (unsigned ahead = 1; ahead < WORKER_JOBS; ahead++)
        pool_assign(pool, HOST_PRISTINE, ahead);
}

/* Solo hosts that exist, retiring ones included. */
static unsigned pool_count_solo(const struct pool *pool) {
    unsigned count = 0;
    list_each(link, &pool->group.hosts)
        count += list_entry(link, struct host, link)->kind == HOST_SOLO;
    return count;
}

/* Each job has a host of its own. There may be as many hosts for suspects as there may be workers; a job that needs
 * much memory waits until there is no other solo host. */
static void pool_dispatch_solo(struct pool *pool) {
    struct worker *worker;
    const struct job *next;
    while (queues_next_alone(&pool->queues) != NULL && (worker = pool_find_worker(pool, HOST_SOLO, 0)) != NULL) {
        pool_give(pool, worker, queues_pop(&pool->queues, HOST_SOLO));
        host_retire(worker->host);
    }
    next = queues_next_alone(&pool->queues);
    if (next == NULL || host_group_find(&pool->group, HOST_SOLO) != NULL)
        return;
    if (pool_count_solo(pool) < (next->wants == HOST_SOLO ? 1 : pool->group.options->workers))
        start_host(&pool->starter, HOST_SOLO, 1);
}

/* Makes sure that an interpreter of a shared host is up or coming. */
static void pool_warm_first(struct pool *pool) {
    roster_count(&pool->roster);
    if (pool->roster.live == 0)
        start_worker(&pool->starter);
}

/* Any shared worker with room takes cleanups, also while the daemon drains; a host is started for them if there is
 * none.
 */
static void pool_dispatch_cleanups(struct pool *pool) {
    struct list *cleanups = &pool->queues.cleanups;
    for (unsigned ahead = 0; ahead < WORKER_JOBS && !list_empty(cleanups); ahead++) {
        struct worker *worker;
        while (!list_empty(cleanups) && (worker = pool_find_worker(pool, HOST_SHARED, ahead)) != NULL)
            pool_give(pool, worker, queues_pop_cleanup(&pool->queues));
    }
    if (!list_empty(cleanups))
        pool_warm_first(pool);
}

/* Refuses the jobs that would wait for ever: there is no host for them, and none can be started. */
static void pool_fail_if_hopeless(struct pool *pool) {
    static const enum host_kind kinds[] = {HOST_SHARED, HOST_PRISTINE, HOST_SOLO};
    struct starter *starter = &pool->starter;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && start_is_hopeless(starter); i++)
        if (host_group_find(&pool->group, kinds[i]) == NULL)
            queues_fail(&pool->queues, kinds[i], starter->failure, starter->shortage);
    if (start_is_hopeless(starter) && host_group_find(&pool->group, HOST_SHARED) == NULL)
        queues_drop_cleanups(&pool->queues, pool->python);
}

/* Starts a host with one worker, which serves afterwards. The jobs wait. */
static void pool_begin_trial(struct pool *pool) {
    if (host_group_find(&pool->group, HOST_SHARED) != NULL)
        return;
    pool->group.trial = true;
    start_host(&pool->starter, HOST_SHARED, 1);
    pool->group.trial = false;
}

static void pool_dispatch_unproven(struct pool *pool) {
    if (queues_count(&pool->queues) > 0 || !list_empty(&pool->queues.cleanups))
        pool_begin_trial(pool);
    pool_fail_if_hopeless(pool);
}

/* Gives waiting jobs to workers, and starts hosts for the rest. */
static void pool_dispatch(struct pool *pool) {
    if (!pool->proven) {
        pool_dispatch_unproven(pool);
        return;
    }
    pool_dispatch_cleanups(pool);
    if (!pool_is_draining(pool)) {
        pool_dispatch_solo(pool);
        pool_dispatch_pristine(pool);
        pool_dispatch_shared(pool);
    }
    pool_fail_if_hopeless(pool);
}

static void pool_on_client_closing(struct attachment *attachment) {
    pool_cancel(job_of_attachment(attachment));
}

static const struct attachment_events pool_attachment_events = {
    .ended = pool_on_client_closing,
    .is_request = true,
};

struct job *pool_new_job(struct pool *pool, struct connection *client, struct return_address *address,
                         enum job_kind kind, struct json_span params) {
    struct job *job = job_new(pool, pool->group.census, kind, params);
    job_attach(job, client, &pool_attachment_events, address);
    return job;
}

struct job *pool_new_unplaced_job(struct census *census, struct connection *client, struct return_address *address,
                                  enum job_kind kind, struct json_span params) {
    struct job *job = job_new(NULL, census, kind, params);
    job->state = JOB_UNPLACED;
    job_attach(job, client, &pool_attachment_events, address);
    return job;
}

void pool_submit(struct pool *pool, struct job *job) {
    if (job->priority == PRIORITY_INTERACTIVE)
        pool->interactive_until_ms = pool_now(pool) + INTERACTIVE_MS;
    pool->last_used_ms = pool_now(pool);
    queues_push(&pool->queues, job);
    pool_dispatch(pool);
}

void pool_cancel(struct job *job) {
    if (job->state == JOB_UNPLACED) {
        list_remove(&job->link);
        job_free(job);
    } else if (job->state == JOB_ASSIGNED) {
        job_abandon(job);
        worker_limit(job->worker, job);
    } else {
        queues_remove(&job->pool->queues, job);
        job_free(job);
    }
}

void pool_warm(struct pool *pool) {
    if (!pool_is_draining(pool) && !pool->proven)
        pool_begin_trial(pool);
    else if (!pool_is_draining(pool))
        pool_warm_first(pool);
    pool_fail_if_hopeless(pool);
}

static bool pool_has_jobs(const struct pool *pool) {
    bool has = queues_count(&pool->queues) > 0;
    list_each(link, &pool->group.hosts)
        has = has || host_in_flight(list_entry(link, struct host, link)) > 0;
    return has;
}

bool pool_is_free(const struct pool *pool) {
    return !pool_has_jobs(pool) && list_empty(&pool->queues.cleanups);
}

static bool pool_is_busy(const struct pool *pool, uint64_t idle_ms) {
    return pool_has_jobs(pool) || pool_now(pool) - pool->last_used_ms < idle_ms;
}

/* An interpreter that was named at run time, and has not been asked for in a long time, keeps no host, unless it is the
 * default. */
static bool pool_is_forgotten(const struct pool *pool, uint64_t idle_ms) {
    return pool->file.path != NULL && !pool->keeps_warm &&
           pool_now(pool) - pool->last_used_ms >= FORGOTTEN_AFTER * idle_ms;
}

static unsigned pool_warm_workers(const struct host *host) {
    unsigned warm = 0;
    for (unsigned i = 0; i < host->worker_count; i++)
        warm += host->workers[i].state != WORKER_COLD;
    return warm;
}

/* An interpreter that has ended leaks memory (CPython before 3.14), so hosts are replaced as a whole: a host with
 * several interpreters, and every host beyond the first, goes; a new one is warmed in its place. */
void pool_shrink(struct pool *pool, uint64_t idle_ms) {
    bool kept = false;
    if (pool_is_draining(pool) || pool_is_busy(pool, idle_ms))
        return;
    list_each(link, &pool->group.hosts) {
        struct host *host = list_entry(link, struct host, link);
        if (host->kind == HOST_SHARED && pool_warm_workers(host) <= 1 && !kept && !host->retiring &&
            !pool_is_forgotten(pool, idle_ms))
            kept = true;
        else
            host_retire(host);
    }
    if (!kept && pool->keeps_warm)
        pool_warm(pool);
}

void pool_drain(struct pool *pool) {
    assert(pool_is_draining(pool));
    queues_fail(&pool->queues, HOST_SHARED, shutting_down, true);
    queues_fail(&pool->queues, HOST_PRISTINE, shutting_down, true);
    queues_fail(&pool->queues, HOST_SOLO, shutting_down, true);
}

void pool_retire(struct pool *pool) {
    list_each(link, &pool->group.hosts)
        host_retire(list_entry(link, struct host, link));
}

void pool_kill(struct pool *pool) {
    list_each(link, &pool->group.hosts) {
        struct host *host = list_entry(link, struct host, link);
        host->blameless = true;
        host_kill(host);
    }
}

static void pool_on_host_ready(struct host *host) {
    struct pool *pool = pool_of(host);
    if (host->retiring)
        return;
    free(pool->version);
    pool->version = xstrdup(host->version);
    if (pool->file.path != NULL) {
        pool->starter.workers_per_host = pool_workers_per_host(pool->version, pool->group.options->workers);
        return;
    }
    free(pool->interpreter);
    pool->interpreter = host->interpreter ? xstrdup(host->interpreter) : NULL;
}

/* A trial went well: more hosts may start, where they are of the same files. */
static void pool_prove(struct pool *pool, const char *files) {
    pool->proven = true;
    free(pool->files);
    pool->files = files ? xstrdup(files) : NULL;
    pool->group.files = pool->files;
}

static void pool_on_worker_ready(struct worker *worker) {
    struct pool *pool = pool_of(worker->host);
    start_succeeded(&pool->starter);
    if (!pool->proven && !worker->host->retiring)
        pool_prove(pool, worker->host->files);
    roster_update(&pool->roster, worker);
    pool_dispatch(pool);
}

static void pool_on_host_grew(struct host *host) {
    unsigned limit_mib = host->group->options->host_memory_mib;
    if (limit_mib == 0 || host->retiring || host->rss_kb / 1024 < (long)limit_mib)
        return;
    log_line("a host of Python %s holds %ld MiB and is replaced", host->group->python, host->rss_kb / 1024);
    host_retire(host);
}

static void pool_on_host_gone(struct host *host) {
    struct pool *pool = pool_of(host);
    list_remove(&host->link);
    roster_remove_host(host);
    start_judge_end(&pool->starter, host);
    recovery_take_jobs(host, &pool->queues);
    if (host->failure != NULL)
        census_host_start_failed(pool->group.census);
    pool_dispatch(pool);
}

/* The host has refused the job, which needs another host, of the kind `wants`: it waits for that. */
static void pool_send_elsewhere(struct pool *pool, struct job *job, enum host_kind wants) {
    job->wants = wants;
    if (pool_is_draining(pool))
        job_finish_unavailable(job, shutting_down, true);
    else if (job->address == NULL)
        job_free(job);
    else
        queues_push(&pool->queues, job);
}

/* The Python on disk is another one: the jobs of this host go to the next. */
static void pool_replace_host(struct pool *pool, struct host *host, struct job *job) {
    bool is_first = !host->retiring; /* later answers of this host are no news: the next one may be starting */
    if (is_first)
        log_line("Python %s was replaced on disk: its host is too", pool->python);
    host_retire(host);
    if (is_first && pool->file.path != NULL) {
        pool_retire(pool);
        pool->proven = false;
    }
    if (++job->renewals < RENEWALS_MAX) {
        pool_send_elsewhere(pool, job, job->wants);
        return;
    }
    char *reason =
        xasprintf("the files of Python %s change without pause: %d hosts in a row were of another Python than "
                  "the one on disk",
                  pool->python, RENEWALS_MAX);
    job_finish_unavailable(job, reason, false);
    free(reason);
}

static void pool_take_error(struct pool *pool, struct host *host, struct job *job, struct json_span error) {
    struct counters *counters = &pool->group.census->counters;
    struct json_span code = json_member(error.text, error.len, "code");
    long number = code.text ? strtol(code.text, NULL, 10) : 0;
    if (number == RPC_NEEDS_PRISTINE && job->wants == HOST_SHARED) {
        tally_cause(counters, error);
        pool_send_elsewhere(pool, job, HOST_PRISTINE);
    } else if (number == RPC_NEEDS_OWN_HOST && job->wants != HOST_SOLO) {
        pool_send_elsewhere(pool, job, HOST_SOLO);
    } else if (number == RPC_NEEDS_NEW_HOST) {
        pool_replace_host(pool, host, job);
    } else {
        if (number == RPC_PY_COMPILE_ERROR)
            tally_compile_error(counters, job, error);
        counters->os_errors += number == RPC_OS_ERROR;
        job_finish_raw_error(job, number, error);
    }
}

static void pool_on_answered(struct worker *worker, struct job *job, const struct rpc_message *answer) {
    struct pool *pool = pool_of(worker->host);
    struct counters *counters = &pool->group.census->counters;
    pool->last_used_ms = pool_now(pool);
    roster_update(&pool->roster, worker);
    counters->exact += job->wants != HOST_SHARED && job->kind != JOB_SEARCH;
    if (answer->error.text != NULL) {
        pool_take_error(pool, worker->host, job, answer->error);
    } else {
        tally_result(counters, job, answer->result);
        job_finish_result(job, answer->result);
    }
    pool_dispatch(pool);
}

static const struct host_events pool_host_events = {
    .ready = pool_on_host_ready,
    .worker_ready = pool_on_worker_ready,
    .answered = pool_on_answered,
    .grew = pool_on_host_grew,
    .gone = pool_on_host_gone,
};
