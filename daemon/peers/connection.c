/* See connection.h. */
#include "daemon/peers/connection.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "daemon/log.h"
#include "daemon/methods.h"
#include "daemon/pool/job.h"
#include "daemon/pool/pool.h"
#include "daemon/server.h"
#include "daemon/watch/watch.h"
#include "proto/rpc.h"

/* What a connection may hold without being held back when memory is short. */
#define SMALL_SIZE (16u << 10)

static struct connection *of(struct channel *channel) {
    return list_entry(channel, struct connection, channel);
}

static void close_if_finished(struct connection *connection) {
    if (connection->finishing && connection->open == 0 && channel_pending(&connection->channel) == 0)
        connection_close(connection);
}

/* Whether the connection has to wait until less is held. */
static bool must_wait(const struct connection *connection) {
    const struct server *server = connection->server;
    return server->tight && (connection->open > 0 || (server->jobs > 0 && connection_size(connection) > SMALL_SIZE));
}

void connection_apply_limits(struct connection *connection) {
    const struct server *server = connection->server;
    unsigned open_limit = server->options->open_limit;
    size_t pending_limit = server->options->pending_limit, pending = channel_pending(&connection->channel);
    if (connection->open >= open_limit || pending >= pending_limit || must_wait(connection))
        channel_pause(&connection->channel);
    else if (connection->open <= open_limit / 2 && pending <= pending_limit / 2)
        channel_resume(&connection->channel);
}

static void touch(struct connection *connection) {
    connection->active_ms = uv_now(&connection->server->loop);
}

static void on_message(struct channel *channel, const char *text, size_t len) {
    struct connection *connection = of(channel);
    connection->server->counters.requests++;
    connection->messages++;
    touch(connection);
    methods_handle(connection, text, len);
    connection_apply_limits(connection);
}

static void send_error(struct connection *connection, int code, const char *message, cJSON *data) {
    struct buffer answer = {0};
    rpc_write_error(&answer, NULL, code, message, data);
    cJSON_Delete(data);
    connection_send(connection, answer.data, answer.len);
    buffer_deinit(&answer);
}

static void on_too_long(struct channel *channel) {
    of(channel)->messages++;
    send_error(of(channel), RPC_INVALID_REQUEST, "Invalid Request: the message is over the limit", NULL);
}

/* Whether the client has gone for good, rather than having said all it has to say (shutdown(2)). */
static bool is_gone(struct channel *channel) {
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&channel->pipe, &fd) < 0)
        return true;
    struct pollfd poll_fd = {.fd = fd};
    return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLHUP | POLLERR)) != 0;
}

static void on_ended(struct channel *channel, const char *why) {
    struct connection *connection = of(channel);
    if (why != NULL)
        send_error(connection, RPC_PARSE_ERROR, why, NULL);
    else if (is_gone(channel)) {
        connection_close(connection);
        return;
    } else if (frame_reader_pending(&channel->in)) {
        send_error(connection, RPC_PARSE_ERROR, "Parse error: the last message is not complete", NULL);
    }
    connection_finish(connection);
}

static void on_drained(struct channel *channel) {
    touch(of(channel));
    connection_apply_limits(of(channel));
    watch_resume_all(of(channel));
    close_if_finished(of(channel));
}

static void on_unwritable(struct channel *channel) {
    connection_close(of(channel));
}

static void on_closed(struct channel *channel) {
    struct connection *connection = of(channel);
    server_connection_gone(connection->server);
    free(connection);
}

static const struct channel_events events = {
    .message = on_message,
    .too_long = on_too_long,
    .ended = on_ended,
    .closed = on_closed,
    .drained = on_drained,
    .unwritable = on_unwritable,
};

static bool peer_is_allowed(int fd) {
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return false;
    if (peer.uid == geteuid() || peer.uid == 0)
        return true;
    log_line("refused a connection of uid %lu (pid %ld)", (unsigned long)peer.uid, (long)peer.pid);
    return false;
}

void connection_refuse(struct server *server, int fd) {
    static const char reason[] = "the daemon has as many connections as it can have";
    struct buffer text = {0}, line = {0};
    cJSON *data = unavailable_data(reason, true);
    rpc_write_error(&text, NULL, RPC_UNAVAILABLE, reason, data);
    frame_write(FRAMING_LINES, text.data, text.len, &line);
    if (server->counters.refused++ == 0)
        log_line("refused a connection: there are %u", server->connection_count);
    ssize_t sent = send(fd, line.data, line.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent; /* whoever does not hear it sees the end */
    close(fd);
    cJSON_Delete(data);
    buffer_deinit(&text);
    buffer_deinit(&line);
}

void connection_accept(struct server *server, int fd) {
    if (!peer_is_allowed(fd)) {
        close(fd);
        return;
    }
    if (server->connection_count >= server->connection_limit) {
        connection_refuse(server, fd);
        return;
    }
    struct connection *connection = xcalloc(1, sizeof *connection);
    connection->server = server;
    list_init(&connection->jobs);
    list_init(&connection->watches);
    channel_init(&connection->channel, &server->channels, &events, server->options->frame_limit);
    list_append(&server->connections, &connection->link);
    server_connection_come(server);
    touch(connection);
    if (uv_pipe_open(&connection->channel.pipe, fd) < 0) {
        close(fd);
        connection_close(connection);
    } else if (channel_start(&connection->channel) < 0) {
        connection_close(connection);
    }
}

void connection_send(struct connection *connection, const char *text, size_t len) {
    channel_send(&connection->channel, text, len);
}

void connection_job_opened(struct connection *connection, struct job *job) {
    list_append(&connection->jobs, &job->client_link);
    connection->open++;
}

void connection_job_closed(struct connection *connection, struct job *job) {
    list_remove(&job->client_link);
    connection->open--;
    if (connection->channel.closing)
        return;
    touch(connection);
    connection_apply_limits(connection);
    close_if_finished(connection);
}

void connection_hold(struct connection *connection, size_t bytes) {
    connection->held += bytes;
    connection->server->held += bytes;
}

void connection_release(struct connection *connection, size_t bytes) {
    assert(connection->held >= bytes);
    connection->held -= bytes;
    connection->server->held -= bytes;
}

size_t connection_size(const struct connection *connection) {
    return connection->held + connection->channel.held;
}

bool connection_is_idle_since(const struct connection *connection, uint64_t ms) {
    return connection->open == 0 && list_empty(&connection->watches) && connection->active_ms <= ms;
}

void connection_finish(struct connection *connection) {
    connection->finishing = true;
    close_if_finished(connection);
}

void connection_close(struct connection *connection) {
    if (connection->channel.closing)
        return;
    channel_close(&connection->channel);
    list_remove(&connection->link);
    watch_end_all(connection);
    list_each(link, &connection->jobs)
        pool_cancel(list_entry(link, struct job, client_link));
    assert(connection->open == 0);
}

void connection_close_for(struct connection *connection, const char *reason) {
    if (channel_pending(&connection->channel) == 0) {
        send_error(connection, RPC_UNAVAILABLE, reason, unavailable_data(reason, true));
        channel_flush(&connection->channel);
    }
    connection_close(connection);
}
