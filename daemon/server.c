/* The loop's timers and signals, and draining: the order in which the daemon's parts end. */
#include "daemon/server.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buffer.h"
#include "daemon/log.h"
#include "daemon/process/signals.h"
#include "daemon/process/surroundings.h"

/* The time between two status lines for the service manager. */
#define STATUS_PERIOD_MS 10000

/* Descriptors that connections may not take: for the process itself, and for a pool's hosts. */
#define DESCRIPTORS_OWN 64
#define DESCRIPTORS_OF_POOL(workers) (4 * (rlim_t)(workers) + 16)
#define CONNECTIONS_MIN 8

/* Time that clients have, after the drain timeout, to take the errors that it caused. */
#define LAST_WORDS_MS 1000

static void server_check_end(struct server *server);
static void server_on_drain_timer(uv_timer_t *timer);

static void server_on_accepted(struct acceptor *acceptor, int fd) {
    connection_group_accept(&list_entry(acceptor, struct server, acceptor)->clients, fd);
}

static void server_on_overflow(struct acceptor *acceptor, int fd) {
    connection_group_refuse(&list_entry(acceptor, struct server, acceptor)->clients, fd);
}

static const struct acceptor_events server_acceptor_events = {
    .accepted = server_on_accepted,
    .overflow = server_on_overflow,
};

static void server_run_out_of_patience(struct server *server) {
    server->impatient = true;
    uv_timer_start(&server->drain_timer, server_on_drain_timer, LAST_WORDS_MS, 0);
    for (unsigned i = 0; i < server->pools.count; i++)
        pool_kill(server->pools.items[i]);
}

/* Fires once for the hosts, then for the clients. */
static void server_on_drain_timer(uv_timer_t *timer) {
    struct server *server = timer->data;
    if (server->impatient) {
        connection_group_close(&server->clients);
        return;
    }
    log_line("draining takes too long: %u jobs are given up", server->census.jobs);
    server_run_out_of_patience(server);
}

/* The first signal drains; a second means that the sender does not want to wait. */
static void server_on_signal(uv_signal_t *handle, int signum) {
    struct server *server = handle->data;
    if (server->census.draining && !server->impatient)
        server_run_out_of_patience(server);
    server_drain(server, signum == SIGTERM ? "SIGTERM" : "SIGINT");
}

static void server_on_connection_timer(uv_timer_t *timer) {
    struct server *server = timer->data;
    uint64_t patience_ms = server->options->connection_idle_s * 1000ull, now_ms = uv_now(&server->loop);
    if (now_ms >= patience_ms)
        connection_group_close_idle(&server->clients, now_ms - patience_ms);
}

static void server_on_idle(uv_timer_t *timer) {
    server_drain(timer->data, "idle");
}

static void server_on_shrink(uv_timer_t *timer) {
    struct server *server = timer->data;
    for (unsigned i = 0; i < server->pools.count; i++)
        pool_shrink(server->pools.items[i], server->options->shrink_after_s * 1000ull);
}

/* "4 workers, 12 queued, 98 % hits". */
static void server_on_status(uv_timer_t *timer) {
    struct server *server = timer->data;
    const struct counters *counters = &server->census.counters;
    size_t queued = 0, workers = 0;
    for (unsigned i = 0; i < server->pools.count; i++) {
        queued += queues_count(&server->pools.items[i]->queues);
        list_each(link, &server->pools.items[i]->group.hosts)
            workers += list_entry(link, struct host, link)->worker_count;
    }
    uint64_t hits = counters->cached + counters->cached_errors, lookups = hits + counters->cache_misses;
    char *text = lookups > 0 ? xasprintf("%zu workers, %zu queued, %.0f %% hits", workers, queued,
                                         100 * (double)hits / (double)lookups)
                             : xasprintf("%zu workers, %zu queued", workers, queued);
    notifier_status(&server->notifier, text);
    free(text);
}

/* The time that the daemon has been idle counts on where clients have only looked at it since: else a monitor that asks
 * now and then would keep it for ever. */
static void server_become_idle(struct server *server) {
    uint64_t idle_ms = server->options->idle_timeout_s * 1000ull, now_ms = uv_now(&server->loop);
    if (server->census.used)
        server->used_ms = now_ms;
    server->census.used = false;
    uint64_t past_ms = now_ms - server->used_ms;
    uv_timer_start(&server->idle_timer, server_on_idle, past_ms < idle_ms ? idle_ms - past_ms : 0, 0);
}

/* The idle timer runs while no client is connected, not even through a language server, and no job exists. A server of
 * a single connection ends with it. */
static void server_watch_idleness(struct server *server) {
    struct census *census = &server->census;
    if (server->listener.connected && census->connections == 0)
        server_drain(server, NULL);
    if (census->draining || server->options->idle_timeout_s == 0)
        return;
    census->used |= census->language_servers > 0 || census->jobs > 0;
    if (census->connections > 0 || census->language_servers > 0 || census->jobs > 0)
        uv_timer_stop(&server->idle_timer);
    else if (!uv_is_active((uv_handle_t *)&server->idle_timer))
        server_become_idle(server);
}

/* Whether a daemon of the new build comes in the place of this one when it has left. A daemon that a person has started
 * with options of its own would be followed by one without these options, so that it stays: its hosts give the reason.
 */
static bool server_has_successor(const struct server *server) {
    return server->options->replaceable || server->listener.activated;
}

static void server_on_census_changed(struct census *census) {
    struct server *server = list_entry(census, struct server, census);
    if (census->start_failed && !census->draining && server_has_successor(server) && surroundings_has_lost_program())
        server_drain(server, "the programs were replaced, and the new hosts are of another build");
    census->start_failed = false;
    server_watch_idleness(server);
    server_check_end(server);
}

/* The descriptors that connections may not take, of `all`. Pools of interpreters that are named at run time get no more
 * than half of what is left, but there may always be one. */
static rlim_t server_keep_descriptors(struct server *server, rlim_t all) {
    struct pools *pools = &server->pools;
    rlim_t pool = DESCRIPTORS_OF_POOL(server->options->workers), kept = DESCRIPTORS_OWN + pools->installed * pool;
    rlim_t most = all > kept ? (all - kept) / 2 / pool : 0;
    if (pools->programs.launcher == NULL)
        return kept;
    if (most < pools->interpreters_max)
        pools->interpreters_max = most > 0 ? (unsigned)most : 1;
    return kept + pools->interpreters_max * pool;
}

/* As many connections as the options say, unless descriptors are short. */
static unsigned server_connection_limit(struct server *server) {
    const struct options *options = server->options;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return options->connection_limit;
    rlim_t kept = server_keep_descriptors(server, limit.rlim_cur);
    rlim_t most = limit.rlim_cur > kept + CONNECTIONS_MIN ? limit.rlim_cur - kept : CONNECTIONS_MIN;
    if (options->connection_limit <= most)
        return options->connection_limit;
    log_line("%llu descriptors are enough for %llu connections", (unsigned long long)limit.rlim_cur,
             (unsigned long long)most);
    return (unsigned)most;
}

static void server_init_handles(struct server *server) {
    uv_timer_t *timers[] = {&server->idle_timer, &server->shrink_timer, &server->connection_timer, &server->drain_timer,
                            &server->status_timer};
    for (size_t i = 0; i < sizeof timers / sizeof *timers; i++) {
        uv_timer_init(&server->loop, timers[i]);
        timers[i]->data = server;
    }
    uv_signal_init(&server->loop, &server->sigterm);
    uv_signal_init(&server->loop, &server->sigint);
    server->sigterm.data = server->sigint.data = server;
}

static void server_close_handles(struct server *server) {
    uv_handle_t *handles[] = {(uv_handle_t *)&server->sigterm,          (uv_handle_t *)&server->sigint,
                              (uv_handle_t *)&server->idle_timer,       (uv_handle_t *)&server->shrink_timer,
                              (uv_handle_t *)&server->connection_timer, (uv_handle_t *)&server->drain_timer,
                              (uv_handle_t *)&server->status_timer};
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++)
        uv_close(handles[i], NULL);
    language_server_group_close(&server->language_servers);
    channel_group_close(&server->channels);
    notifier_close(&server->notifier);
    pools_close(&server->pools);
}

/* Whether the loop does what it turns for: it does not if all that it did since the last call was to refuse to read,
 * for want of memory. */
static bool server_progresses(struct notifier *notifier) {
    struct server *server = list_entry(notifier, struct server, notifier);
    const struct channel_group *channels = &server->channels;
    bool stuck = channels->refusals > server->seen_refusals && channels->moved == server->seen_moved;
    server->seen_refusals = channels->refusals;
    server->seen_moved = channels->moved;
    return !stuck;
}

/* Makes the state of the remote cache that hosts share; without it there is no remote cache. */
static void server_share_remote(struct server *server) {
    server->remote_fd = -1;
    if (server->options->remote.url == NULL || server->options->cache == NULL)
        return;
    server->remote = remote_state_new(&server->remote_fd);
    if (server->remote == NULL)
        log_line("without the remote cache: %s", strerror(-server->remote_fd));
}

static int server_make_pools(struct server *server, char **why) {
    struct host_group model = {
        .driver = &host_process_driver,
        .loop = &server->loop,
        .channels = &server->channels,
        .options = server->options,
        .census = &server->census,
        .remote_fd = server->remote != NULL ? server->remote_fd : -1,
    };
    return pools_init(&server->pools, &model, why);
}

/* From here on signals drain, also before the loop runs. */
static void server_take_signals(struct server *server) {
    uv_signal_start(&server->sigterm, server_on_signal, SIGTERM);
    uv_signal_start(&server->sigint, server_on_signal, SIGINT);
    signals_release();
}

struct server *server_new(const struct options *options, const struct connection_events *events,
                          struct listener *listener, char **why) {
    struct server *server = xcalloc(1, sizeof *server);
    server->options = options;
    server->census.changed = server_on_census_changed;
    server->listener.fd = server->listener.lock_fd = -1;
    if (uv_loop_init(&server->loop) < 0) {
        *why = xstrdup("cannot make an event loop");
        free(server);
        return NULL;
    }
    server_init_handles(server);
    channel_group_init(&server->channels, &server->loop);
    connection_group_init(&server->clients, &server->channels, options, &server->census, events);
    language_server_group_init(&server->language_servers, &server->loop, &server->census, listener->path,
                               listener->connected ? 0 : options->connection_limit);
    notifier_init(&server->notifier, &server->loop, server_progresses);
    interpreters_init(&server->interpreters, &server->pools, &server->census, &server->loop);
    server_share_remote(server);
    if (server_make_pools(server, why) < 0) {
        server_close_handles(server);
        uv_run(&server->loop, UV_RUN_DEFAULT);
        return server_free(server);
    }
    server->clients.limit = server_connection_limit(server);
    if (server->language_servers.limit > server->clients.limit)
        server->language_servers.limit = server->clients.limit;
    server_take_signals(server);
    server->started_ms = server->used_ms = uv_now(&server->loop);
    server->listener = *listener;
    *listener = (struct listener){.fd = -1, .lock_fd = -1};
    return server;
}

/* Begins to accept, or takes the only connection. Returns 0, or libuv's error. */
static int server_begin(struct server *server) {
    if (!server->listener.connected)
        return acceptor_init(&server->acceptor, &server->loop, server->listener.fd, &server_acceptor_events);
    connection_group_accept(&server->clients, server->listener.fd);
    return 0;
}

void server_run(struct server *server) {
    int status = server_begin(server);
    if (status < 0)
        log_line("cannot listen: %s", uv_strerror(status));
    if (server->options->shrink_after_s > 0) {
        uint64_t period = server->options->shrink_after_s * 250ull + 1;
        uv_timer_start(&server->shrink_timer, server_on_shrink, period, period);
    }
    if (server->options->connection_idle_s > 0) {
        uint64_t period = server->options->connection_idle_s * 125ull + 1;
        uv_timer_start(&server->connection_timer, server_on_connection_timer, period, period);
    }
    if (server->notifier.fd >= 0)
        uv_timer_start(&server->status_timer, server_on_status, STATUS_PERIOD_MS, STATUS_PERIOD_MS);
    server_watch_idleness(server);
    pool_warm(server->pools.fallback);
    if (status == 0)
        notifier_ready(&server->notifier);
    else
        server_drain(server, "it cannot listen");
    uv_run(&server->loop, UV_RUN_DEFAULT);
}

struct server *server_free(struct server *server) {
    if (server == NULL)
        return NULL;
    interpreters_deinit(&server->interpreters);
    pools_deinit(&server->pools);
    int status = uv_loop_close(&server->loop);
    assert(status == 0);
    (void)status;
    if (server->remote != NULL)
        close(server->remote_fd);
    remote_state_free(server->remote);
    recent_deinit(&server->census.recent);
    free(server);
    return NULL;
}

struct server *server_of(const struct connection *connection) {
    return list_entry(connection->group, struct server, clients);
}

void server_drain(struct server *server, const char *reason) {
    if (server->census.draining)
        return;
    server->census.draining = true;
    if (reason != NULL)
        log_line("leaving: %s", reason);
    notifier_stopping(&server->notifier);
    if (!server->listener.connected)
        acceptor_close(&server->acceptor);
    listen_release(&server->listener);
    uv_timer_start(&server->drain_timer, server_on_drain_timer, server->options->drain_timeout_s * 1000ull, 0);
    interpreters_drain(&server->interpreters);
    for (unsigned i = 0; i < server->pools.count; i++)
        pool_drain(server->pools.items[i]);
    server_check_end(server);
}

/* While draining: hosts leave when no job exists, connections close when they have their answers, and the loop ends
 * when both are gone. */
static void server_check_end(struct server *server) {
    const struct census *census = &server->census;
    if (!census->draining)
        return;
    if (census->jobs == 0) {
        for (unsigned i = 0; i < server->pools.count; i++)
            pool_retire(server->pools.items[i]);
        connection_group_finish(&server->clients);
    }
    if (census->jobs > 0 || census->hosts > 0 || census->connections > 0 || server->closing)
        return;
    server->closing = true;
    signals_hold(); /* the daemon is leaving already: another signal must not count as its death by that signal */
    server_close_handles(server);
}
