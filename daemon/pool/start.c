/* See start.h. */
#include "daemon/pool/start.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "daemon/log.h"
#include "daemon/pool/pool.h"

/* The wait after the first failure, doubled by each that follows: 50 ms, ... 6.4 s. */
#define DELAY_MS 50
#define DOUBLINGS_MAX 7

/* Failures in a row of a start that may work, until that is believed no more: 3 seconds of waiting. */
#define TRIES_MAX 7

/* What a shell and the dynamic linker say of a program that cannot be run. */
#define STATUS_CANNOT_RUN 127

static uint64_t now(const struct pool *pool) {
    return uv_now(&pool->server->loop);
}

static void on_timer(uv_timer_t *timer) {
    pool_dispatch(timer->data);
}

void pool_start_init(struct pool_start *start, uv_loop_t *loop, struct pool *pool) {
    *start = (struct pool_start){0};
    uv_timer_init(loop, &start->timer);
    start->timer.data = pool;
}

void pool_start_close(struct pool_start *start) {
    uv_close((uv_handle_t *)&start->timer, NULL);
}

void pool_start_deinit(struct pool_start *start) {
    free(start->failure);
}

void pool_start_failed(struct pool *pool, char *why, bool again) {
    struct pool_start *start = &pool->start;
    unsigned doublings = start->failed < DOUBLINGS_MAX ? start->failed : DOUBLINGS_MAX;
    log_line("%s", why);
    free(start->failure);
    start->failure = why;
    start->failed++;
    start->hopeless = !again || start->failed >= TRIES_MAX;
    start->retry_at_ms = now(pool) + ((uint64_t)DELAY_MS << doublings);
    uv_timer_start(&start->timer, on_timer, (uint64_t)DELAY_MS << doublings, 0);
}

void pool_start_succeeded(struct pool *pool) {
    pool->start.failed = 0;
    pool->start.hopeless = false;
    pool->start.retry_at_ms = 0;
    uv_timer_stop(&pool->start.timer);
}

bool pool_start_is_hopeless(const struct pool *pool) {
    return pool->start.hopeless && now(pool) < pool->start.retry_at_ms;
}

struct host *pool_start_host(struct pool *pool, enum host_kind kind, unsigned workers) {
    char *why = NULL;
    if (now(pool) < pool->start.retry_at_ms)
        return NULL;
    struct host *host = host_start(pool, kind, workers, &why, &pool->start.shortage);
    if (host == NULL) {
        pool_start_failed(pool, why, pool->start.shortage);
        return NULL;
    }
    worker_warm(&host->workers[0]);
    return host;
}

bool pool_start_worker(struct pool *pool) {
    list_each(link, &pool->hosts) {
        struct host *host = list_entry(link, struct host, link);
        for (unsigned i = 0; host->kind == HOST_SHARED && !host->retiring && i < host->worker_count; i++) {
            if (host->workers[i].state == WORKER_COLD) {
                worker_warm(&host->workers[i]);
                return true;
            }
        }
    }
    return pool_start_host(pool, HOST_SHARED, pool->workers_per_host) != NULL;
}

char *pool_start_describe(const struct host *host) {
    const struct pool *pool = host->pool;
    if (host->failure != NULL)
        return xasprintf("no host for Python %s: %s", pool->python, host->failure);
    if (host->term_signal != 0)
        return xasprintf("no host for Python %s: %s died of signal %d while it started", pool->python, pool->program,
                         host->term_signal);
    return xasprintf("no host for Python %s: %s exited with status %lld while it started%s", pool->python,
                     pool->program, (long long)host->exit_status,
                     host->exit_status == STATUS_CANNOT_RUN
                         ? " (a library that it needs, such as libpython, is not to be found: see the daemon's log)"
                         : "");
}
