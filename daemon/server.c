/* See server.h. */
#include "daemon/server.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/connection.h"
#include "daemon/host_programs.h"
#include "daemon/log.h"
#include "daemon/pool.h"
#include "proto/buffer.h"

static void check_end(struct server *server);

static void on_connection(uv_stream_t *listener, int status) {
    struct server *server = listener->data;
    if (status < 0)
        log_line("accept: %s", uv_strerror(status));
    else
        connection_accept(server);
}

static void on_signal(uv_signal_t *handle, int signum) {
    server_drain(handle->data, signum == SIGTERM ? "SIGTERM" : "SIGINT");
}

static void on_idle(uv_timer_t *timer) {
    server_drain(timer->data, "idle");
}

static void on_shrink(uv_timer_t *timer) {
    struct server *server = timer->data;
    for (unsigned i = 0; i < server->pool_count; i++)
        pool_shrink(server->pools[i], server->options->shrink_after_s * 1000ull);
}

/* The idle timer runs while nobody is connected and nothing is to do. */
static void watch_idleness(struct server *server) {
    if (server->draining || server->options->idle_timeout_s == 0)
        return;
    if (server->connection_count == 0 && server->jobs == 0)
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

struct server *server_new(const struct options *options, struct listener *listener, char **why) {
    struct server *server = xcalloc(1, sizeof *server);
    server->options = options;
    list_init(&server->connections);
    server->listener.fd = server->listener.lock_fd = -1;
    if (uv_loop_init(&server->loop) < 0) {
        *why = xstrdup("cannot make an event loop");
        free(server);
        return NULL;
    }
    if (!make_pools(server)) {
        *why = server_no_pool_reason(server, options->python);
        return server_free(server);
    }
    uv_loop_t *loop = &server->loop;
    uv_pipe_init(loop, &server->listener_pipe, 0);
    uv_signal_init(loop, &server->sigterm);
    uv_signal_init(loop, &server->sigint);
    uv_timer_init(loop, &server->idle_timer);
    uv_timer_init(loop, &server->shrink_timer);
    server->listener_pipe.data = server->sigterm.data = server->sigint.data = server;
    server->idle_timer.data = server->shrink_timer.data = server;
    channel_group_init(&server->channels, loop);
    notifier_init(&server->notifier, loop);
    server->started_ms = uv_now(loop);
    server->listener = *listener;
    *listener = (struct listener){.fd = -1, .lock_fd = -1};
    return server;
}

void server_run(struct server *server) {
    int status = uv_pipe_open(&server->listener_pipe, server->listener.fd);
    if (status == 0)
        status = uv_listen((uv_stream_t *)&server->listener_pipe, 4096, on_connection);
    if (status < 0)
        log_line("cannot listen: %s", uv_strerror(status));
    uv_signal_start(&server->sigterm, on_signal, SIGTERM);
    uv_signal_start(&server->sigint, on_signal, SIGINT);
    if (server->options->shrink_after_s > 0) {
        uint64_t period = server->options->shrink_after_s * 250ull + 1;
        uv_timer_start(&server->shrink_timer, on_shrink, period, period);
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
    uv_close((uv_handle_t *)&server->listener_pipe, NULL);
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
    uv_close((uv_handle_t *)&server->sigterm, NULL);
    uv_close((uv_handle_t *)&server->sigint, NULL);
    uv_close((uv_handle_t *)&server->idle_timer, NULL);
    uv_close((uv_handle_t *)&server->shrink_timer, NULL);
    channel_group_close(&server->channels);
    notifier_close(&server->notifier);
}

struct pool *server_pool(struct server *server, const char *python) {
    if (python == NULL)
        return server->default_pool ? server->default_pool
               : server->pool_count ? server->pools[0]
                                    : NULL;
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

void server_host_come(struct server *server) {
    server->hosts++;
}

void server_host_gone(struct server *server) {
    server->hosts--;
    check_end(server);
}
