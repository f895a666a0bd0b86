/* See server.h. */
#include "daemon/server.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/host_programs.h"
#include "daemon/log.h"
#include "daemon/peers/connection.h"
#include "daemon/peers/language_server.h"
#include "daemon/pool/pool.h"
#include "daemon/process/hold_signals.h"

static void check_end(struct server *server);
static void on_drain_timer(uv_timer_t *timer);

/* Descriptors that connections may not take: for the process itself, and for a pool's hosts. */
#define DESCRIPTORS_OWN 64
#define DESCRIPTORS_OF_POOL(workers) (4 * (workers) + 16)
#define CONNECTIONS_MIN 8

/* After the drain timeout: what clients are given to take the errors that it brought them. */
#define LAST_WORDS_MS 1000

static void on_accepted(struct acceptor *acceptor, int fd) {
    connection_accept(list_entry(acceptor, struct server, acceptor), fd);
}

static void on_overflow(struct acceptor *acceptor, int fd) {
    connection_refuse(list_entry(acceptor, struct server, acceptor), fd);
}

static const struct acceptor_events acceptor_events = {
    .accepted = on_accepted,
    .overflow = on_overflow,
};

static void run_out_of_patience(struct server *server) {
    server->impatient = true;
    uv_timer_start(&server->drain_timer, on_drain_timer, LAST_WORDS_MS, 0);
    for (unsigned i = 0; i < server->pool_count; i++)
        pool_kill(server->pools[i]);
}

/* Once for the hosts, then for the clients. */
static void on_drain_timer(uv_timer_t *timer) {
    struct server *server = timer->data;
    if (!server->impatient) {
        log_line("draining takes too long: %u jobs are given up", server->jobs);
        run_out_of_patience(server);
        return;
    }
    list_each(link, &server->connections)
        connection_close(list_entry(link, struct connection, link));
}

/* The first drains; whoever sends a second does not want to wait. */
static void on_signal(uv_signal_t *handle, int signum) {
    struct server *server = handle->data;
    if (server->draining && !server->impatient)
        run_out_of_patience(server);
    server_drain(server, signum == SIGTERM ? "SIGTERM" : "SIGINT");
}

static void on_connection_timer(uv_timer_t *timer) {
    struct server *server = timer->data;
    uint64_t patience = server->options->connection_idle_s * 1000ull, now = uv_now(&server->loop);
    list_each(link, &server->connections) {
        struct connection *connection = list_entry(link, struct connection, link);
        if (now >= patience && connection_is_idle_since(connection, now - patience))
            connection_close_for(connection, "nothing has happened on this connection for too long");
    }
}

size_t server_held(const struct server *server) {
    return server->held + server->channels.held;
}

static struct connection *largest_connection(const struct server *server) {
    struct connection *largest = NULL;
    list_each(link, &server->connections) {
        struct connection *connection = list_entry(link, struct connection, link);
        if (largest == NULL || connection_size(connection) > connection_size(largest))
            largest = connection;
    }
    return largest;
}

/* From half of the limit on, until it is three eighths, clients are held back; beyond the limit whoever holds most has
 * to go. */
static void watch_memory(struct channel_group *group) {
    struct server *server = group->owner;
    size_t limit = server->options->memory_limit;
    struct connection *largest;
    while (server_held(server) > limit && (largest = largest_connection(server)) != NULL) {
        log_line("%zu KiB are held for clients: the connection that holds most, %zu KiB, is closed",
                 server_held(server) / 1024, connection_size(largest) / 1024);
        server->counters.refused++;
        connection_close_for(largest, "the daemon holds too much for its clients, and most of it for this connection");
    }
    bool tight = server_held(server) > (server->tight ? limit / 8 * 3 : limit / 2);
    if (!tight && !server->tight)
        return;
    server->tight = tight;
    list_each(link, &server->connections)
        connection_apply_limits(list_entry(link, struct connection, link));
}

static void on_idle(uv_timer_t *timer) {
    server_drain(timer->data, "idle");
}

static void on_shrink(uv_timer_t *timer) {
    struct server *server = timer->data;
    for (unsigned i = 0; i < server->pool_count; i++)
        pool_shrink(server->pools[i], server->options->shrink_after_s * 1000ull);
}

/* The idle timer runs while nobody is connected, not even through a language server, and nothing is to do. */
static void watch_idleness(struct server *server) {
    if (server->draining || server->options->idle_timeout_s == 0)
        return;
    if (server->connection_count == 0 && server->language_server_count == 0 && server->jobs == 0)
        uv_timer_start(&server->idle_timer, on_idle, server->options->idle_timeout_s * 1000ull, 0);
    else
        uv_timer_stop(&server->idle_timer);
}

static bool make_pools(struct server *server) {
    struct host_programs programs;
    host_programs_find(&programs, server->options->hosts);
    server->pools = xcalloc(programs.count, sizeof *server->pools);
    for (unsigned i = 0; i < programs.count; i++)
        server->pools[i] = pool_new(server, programs.items[i].python, programs.items[i].path);
    server->pool_count = programs.count;
    host_programs_deinit(&programs);
    server->default_pool = server_pool(server, server->options->python);
    return server->default_pool != NULL;
}

/* As many as were asked for, unless descriptors are short. */
static unsigned connection_limit(const struct server *server) {
    const struct options *options = server->options;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return options->connection_limit;
    rlim_t kept = DESCRIPTORS_OWN + server->pool_count * (rlim_t)DESCRIPTORS_OF_POOL(options->workers);
    rlim_t most = limit.rlim_cur > kept + CONNECTIONS_MIN ? limit.rlim_cur - kept : CONNECTIONS_MIN;
    if (options->connection_limit <= most)
        return options->connection_limit;
    log_line("%llu descriptors are enough for %llu connections", (unsigned long long)limit.rlim_cur,
             (unsigned long long)most);
    return (unsigned)most;
}

static void init_timers(struct server *server) {
    uv_timer_t *timers[] = {&server->idle_timer, &server->shrink_timer, &server->connection_timer,
                            &server->drain_timer};
    for (size_t i = 0; i < sizeof timers / sizeof *timers; i++) {
        uv_timer_init(&server->loop, timers[i]);
        timers[i]->data = server;
    }
}

static void close_handles(struct server *server) {
    uv_handle_t *handles[] = {(uv_handle_t *)&server->sigterm,          (uv_handle_t *)&server->sigint,
                              (uv_handle_t *)&server->idle_timer,       (uv_handle_t *)&server->shrink_timer,
                              (uv_handle_t *)&server->connection_timer, (uv_handle_t *)&server->drain_timer};
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++)
        uv_close(handles[i], NULL);
    language_server_forget_all(server);
    channel_group_close(&server->channels);
    notifier_close(&server->notifier);
    for (unsigned i = 0; i < server->pool_count; i++)
        pool_close(server->pools[i]);
}

/* What hosts share of the remote cache; without it there is none. */
static void share_remote(struct server *server) {
    server->remote_fd = -1;
    if (server->options->remote.url == NULL || server->options->cache == NULL)
        return;
    server->remote = remote_state_new(&server->remote_fd);
    if (server->remote == NULL)
        log_line("without the remote cache: %s", strerror(-server->remote_fd));
}

struct server *server_new(const struct options *options, struct listener *listener, char **why) {
    struct server *server = xcalloc(1, sizeof *server);
    server->options = options;
    list_init(&server->connections);
    list_init(&server->language_servers);
    server->listener.fd = server->listener.lock_fd = -1;
    if (uv_loop_init(&server->loop) < 0) {
        *why = xstrdup("cannot make an event loop");
        free(server);
        return NULL;
    }
    uv_loop_t *loop = &server->loop;
    uv_signal_init(loop, &server->sigterm);
    uv_signal_init(loop, &server->sigint);
    server->sigterm.data = server->sigint.data = server;
    init_timers(server);
    channel_group_init(&server->channels, loop);
    notifier_init(&server->notifier, loop);
    server->channels.owner = server;
    server->channels.turn = watch_memory;
    server->channels.limit = options->memory_limit;
    share_remote(server);
    if (!make_pools(server)) {
        *why = server_no_pool_reason(server, options->python);
        close_handles(server);
        uv_run(loop, UV_RUN_DEFAULT);
        return server_free(server);
    }
    server->connection_limit = connection_limit(server);
    /* From here on to be told is to drain, also before the loop runs. */
    uv_signal_start(&server->sigterm, on_signal, SIGTERM);
    uv_signal_start(&server->sigint, on_signal, SIGINT);
    release_signals();
    server->started_ms = uv_now(loop);
    server->listener = *listener;
    *listener = (struct listener){.fd = -1, .lock_fd = -1};
    return server;
}

void server_run(struct server *server) {
    int status = acceptor_init(&server->acceptor, &server->loop, server->listener.fd, &acceptor_events);
    if (status < 0)
        log_line("cannot listen: %s", uv_strerror(status));
    if (server->options->shrink_after_s > 0) {
        uint64_t period = server->options->shrink_after_s * 250ull + 1;
        uv_timer_start(&server->shrink_timer, on_shrink, period, period);
    }
    if (server->options->connection_idle_s > 0) {
        uint64_t period = server->options->connection_idle_s * 125ull + 1;
        uv_timer_start(&server->connection_timer, on_connection_timer, period, period);
    }
    watch_idleness(server);
    pool_warm(server->default_pool);
    if (status == 0)
        notifier_ready(&server->notifier);
    else
        server_drain(server, "it cannot listen");
    uv_run(&server->loop, UV_RUN_DEFAULT);
}

struct server *server_free(struct server *server) {
    for (unsigned i = 0; i < server->pool_count; i++)
        pool_free(server->pools[i]);
    free(server->pools);
    int status = uv_loop_close(&server->loop);
    assert(status == 0);
    (void)status;
    if (server->remote != NULL)
        close(server->remote_fd);
    remote_state_free(server->remote);
    free(server);
    return NULL;
}

void server_drain(struct server *server, const char *reason) {
    if (server->draining)
        return;
    server->draining = true;
    log_line("leaving: %s", reason);
    notifier_stopping(&server->notifier);
    listen_release(&server->listener);
    acceptor_close(&server->acceptor);
    uv_timer_start(&server->drain_timer, on_drain_timer, server->options->drain_timeout_s * 1000ull, 0);
    for (unsigned i = 0; i < server->pool_count; i++)
        pool_drain(server->pools[i]);
    check_end(server);
}

/* While draining: hosts go when no job is left, connections when they have their answers, and the loop
 * ends when both are gone. */
static void check_end(struct server *server) {
    if (!server->draining)
        return;
    if (server->jobs == 0) {
        for (unsigned i = 0; i < server->pool_count; i++)
            pool_retire(server->pools[i]);
        list_each(link, &server->connections)
            connection_finish(list_entry(link, struct connection, link));
    }
    if (server->jobs > 0 || server->hosts > 0 || server->connection_count > 0 || server->closing)
        return;
    server->closing = true;
    hold_signals(); /* it leaves already: another one must not make that a death */
    close_handles(server);
}

struct pool *server_pool(struct server *server, const char *python) {
    if (python == NULL)
        return server->default_pool ? server->default_pool : server->pool_count ? server->pools[0] : NULL;
    for (unsigned i = 0; i < server->pool_count; i++)
        if (strcmp(server->pools[i]->python, python) == 0)
            return server->pools[i];
    return NULL;
}

char *server_no_pool_reason(const struct server *server, const char *python) {
    if (server->pool_count == 0)
        return xstrdup("there is no pycompile-host-X.Y beside the daemon: build with a CPython that can be embedded");
    struct buffer reason = {0};
    buffer_printf(&reason, "no host for Python %.32s; there is one for", python);
    for (unsigned i = 0; i < server->pool_count; i++)
        buffer_printf(&reason, "%s %s", i ? "," : "", server->pools[i]->python);
    return buffer_string(&reason);
}

cJSON *unavailable_data(const char *reason, bool retryable) {
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "reason", reason);
    cJSON_AddBoolToObject(data, "retryable", retryable);
    return data;
}

uint64_t server_job_started(struct server *server) {
    server->jobs++;
    return ++server->last_job_id;
}

void server_job_ended(struct server *server) {
    server->jobs--;
    watch_idleness(server);
    check_end(server);
}

void server_connection_come(struct server *server) {
    server->connection_count++;
    watch_idleness(server);
}

void server_connection_gone(struct server *server) {
    server->connection_count--;
    watch_idleness(server);
    check_end(server);
}

void server_language_server_come(struct server *server) {
    server->language_server_count++;
    watch_idleness(server);
}

void server_language_server_gone(struct server *server) {
    server->language_server_count--;
    watch_idleness(server);
}

void server_host_come(struct server *server) {
    server->hosts++;
}

void server_host_gone(struct server *server) {
    server->hosts--;
    check_end(server);
}
