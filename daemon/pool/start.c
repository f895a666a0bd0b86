/* Exponential back-off between attempts to start a host. */
#include "daemon/pool/start.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "daemon/log.h"

/* The wait after the first failure, doubled by each that follows: 50 ms, ... 6.4 s. */
#define DELAY_MS 50
#define DOUBLINGS_MAX 7

/* Failures in a row, each of which might have been the last, before the pool is hopeless: 3 seconds of waiting. */
#define TRIES_MAX 7

/* The exit status of a shell or the dynamic linker for a program that cannot be run. */
#define STATUS_CANNOT_RUN 127

static uint64_t start_now(const struct starter *starter) {
    return uv_now(starter->group->loop);
}

static void start_on_timer(uv_timer_t *timer) {
    struct starter *starter = timer->data;
    starter->retry(starter);
}

void start_init(struct starter *starter, struct host_group *group, unsigned workers_per_host,
                void (*retry)(struct starter *starter)) {
    *starter = (struct starter){.group = group, .workers_per_host = workers_per_host, .retry = retry};
    uv_timer_init(group->loop, &starter->timer);
    starter->timer.data = starter;
}

void start_close(struct starter *starter) {
    uv_close((uv_handle_t *)&starter->timer, NULL);
}

void start_deinit(struct starter *starter) {
    free(starter->failure);
}

void start_failed(struct starter *starter, char *why, bool again) {
    unsigned doublings = starter->failed < DOUBLINGS_MAX ? starter->failed : DOUBLINGS_MAX;
    uint64_t delay_ms = (uint64_t)DELAY_MS << doublings;
    log_line("%s", why);
    free(starter->failure);
    starter->failure = why;
    starter->failed++;
    starter->hopeless = !again || starter->failed >= TRIES_MAX;
    starter->retry_at_ms = start_now(starter) + delay_ms;
    uv_timer_start(&starter->timer, start_on_timer, delay_ms, 0);
}

/* Why no interpreter came up in the host; the caller frees. */
static char *start_describe(const struct host *host) {
    const struct host_group *group = host->group;
    if (host->failure != NULL)
        return xasprintf("no host for Python %s: %s", group->python, host->failure);
    if (host->term_signal != 0)
        return xasprintf("no host for Python %s: %s died of signal %d while it started", group->python, group->program,
                         host->term_signal);
    return xasprintf("no host for Python %s: %s exited with status %lld while it started%s", group->python,
                     group->program, (long long)host->exit_status,
                     host->exit_status == STATUS_CANNOT_RUN
                         ? " (a library that it needs, such as libpython, is not to be found: see the daemon's log)"
                         : "");
}

void start_judge_end(struct starter *starter, const struct host *host) {
    if (!host->left && (host->failure != NULL || !host->came_up))
        start_failed(starter, start_describe(host), host->failure == NULL && host->term_signal != 0);
}

void start_succeeded(struct starter *starter) {
    starter->failed = 0;
    starter->hopeless = false;
    starter->retry_at_ms = 0;
    uv_timer_stop(&starter->timer);
}

void start_reset(struct starter *starter) {
    start_succeeded(starter);
    free(starter->failure);
    starter->failure = NULL;
}

bool start_is_hopeless(const struct starter *starter) {
    return starter->hopeless && start_now(starter) < starter->retry_at_ms;
}

struct host *start_host(struct starter *starter, enum host_kind kind, unsigned workers) {
    char *why = NULL;
    if (start_now(starter) < starter->retry_at_ms)
        return NULL;
    struct host *host = host_start(starter->group, kind, workers, &starter->shortage, &why);
    if (host == NULL)
        start_failed(starter, why, starter->shortage);
    else
        host_warm(&host->workers[0]);
    return host;
}

static struct worker *start_find_cold(const struct host_group *group) {
    list_each(link, &group->hosts) {
        struct host *host = list_entry(link, struct host, link);
        if (host->kind != HOST_SHARED || host->retiring)
            continue;
        for (unsigned i = 0; i < host->worker_count; i++)
            if (host->workers[i].state == WORKER_COLD)
                return &host->workers[i];
    }
    return NULL;
}

bool start_worker(struct starter *starter) {
    struct worker *cold = start_find_cold(starter->group);
    if (cold != NULL)
        host_warm(cold);
    return cold != NULL || start_host(starter, HOST_SHARED, starter->workers_per_host) != NULL;
}
