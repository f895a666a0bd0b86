/* See connection.h. */
#include "daemon/connection.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/job.h"
#include "daemon/log.h"
#include "daemon/methods.h"
#include "daemon/pool.h"
#include "daemon/server.h"
#include "proto/buffer.h"
#include "proto/rpc.h"

/* Bytes that may wait for a client that does not read before its requests are left unread. */
#define PENDING_MAX (4u << 20)

static struct connection *of(struct channel *channel) {
    return list_entry(channel, struct connection, channel);
}

static void close_if_finished(struct connection *connection) {
    if (connection->finishing && connection->open == 0 && channel_pending(&connection->channel) == 0)
        connection_close(connection);
}

/* Stops reading from a client that asks more than it may have open, or does not take its answers. */
static void apply_limits(struct connection *connection) {
    unsigned limit = connection->server->options->open_limit;
    size_t pending = channel_pending(&connection->channel);
    if (connection->open >= limit || pending >= PENDING_MAX)
        channel_pause(&connection->channel);
    else if (connection->open <= limit / 2 && pending <= PENDING_MAX / 2)
        channel_resume(&connection->channel);
}

static void on_message(struct channel *channel, const char *text, size_t len) {
    struct connection *connection = of(channel);
    connection->server->counters.requests++;
    methods_handle(connection, text, len);
    apply_limits(connection);
}

static void send_error(struct connection *connection, int code, const char *message) {
    struct buffer answer = {0};
    rpc_write_error(&answer, NULL, code, message, NULL);
    connection_send(connection, answer.data, answer.len);
    buffer_deinit(&answer);
}

static void on_too_long(struct channel *channel) {
    send_error(of(channel), RPC_INVALID_REQUEST, "Invalid Request: the message is over the limit");
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
        send_error(connection, RPC_PARSE_ERROR, why);
    else if (is_gone(channel)) {
        connection_close(connection);
        return;
    } else if (frame_reader_pending(&channel->in)) {
        send_error(connection, RPC_PARSE_ERROR, "Parse error: the last message is not complete");
    }
    connection_finish(connection);
}

static void on_drained(struct channel *channel) {
    apply_limits(of(channel));
    close_if_finished(of(channel));
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
    .drained = on_drained,
    .closed = on_closed,
};

static bool peer_is_allowed(uv_pipe_t *pipe) {
    uv_os_fd_t fd;
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (uv_fileno((uv_handle_t *)pipe, &fd) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return false;
    if (peer.uid == geteuid() || peer.uid == 0)
        return true;
    log_line("refused a connection of uid %lu (pid %ld)", (unsigned long)peer.uid, (long)peer.pid);
    return false;
}

void connection_accept(struct server *server) {
    struct connection *connection = xcalloc(1, sizeof *connection);
    connection->server = server;
    list_init(&connection->jobs);
    channel_init(&connection->channel, &server->channels, &events, server->options->frame_limit);
    list_append(&server->connections, &connection->link);
    server_connection_come(server);
    if (uv_accept((uv_stream_t *)&server->listener_pipe, (uv_stream_t *)&connection->channel.pipe) < 0 ||
        !peer_is_allowed(&connection->channel.pipe) || channel_start(&connection->channel) < 0)
        connection_close(connection);
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
    apply_limits(connection);
    close_if_finished(connection);
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
    list_each(link, &connection->jobs)
        pool_cancel(list_entry(link, struct job, client_link));
    assert(connection->open == 0);
}
