/* One client's connection. Limits are applied whenever a message, an answer or an end of a request changes them. */
#include "daemon/peers/connection.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "proto/rpc.h"

/* A connection without open requests that holds no more than this is read from even while memory is short. */
#define SMALL_SIZE (16u << 10)

static struct connection *connection_of(struct channel *channel) {
    return list_entry(channel, struct connection, channel);
}

static void connection_close_if_finished(struct connection *connection) {
    if (connection->finishing && connection->open == 0 && channel_pending(&connection->channel) == 0)
        connection_close(connection);
}

/* Whether the connection has to wait until less memory is held. */
static bool connection_must_wait(const struct connection *connection) {
    const struct connection_group *group = connection->group;
    return group->tight &&
           (connection->open > 0 || (group->census->jobs > 0 && connection_size(connection) > SMALL_SIZE));
}

void connection_apply_limits(struct connection *connection) {
    const struct options *options = connection->group->options;
    size_t pending = channel_pending(&connection->channel);
    if (connection->open >= options->open_limit || pending >= options->pending_limit ||
        connection_must_wait(connection))
        channel_pause(&connection->channel);
    else if (connection->open <= options->open_limit / 2 && pending <= options->pending_limit / 2)
        channel_resume(&connection->channel);
}

static void connection_touch(struct connection *connection) {
    connection->active_ms = uv_now(connection->channel.pipe.loop);
}

static void connection_on_message(struct channel *channel, const char *text, size_t len) {
    struct connection *connection = connection_of(channel);
    connection->group->census->counters.requests++;
    connection->messages++;
    connection_touch(connection);
    connection->group->events->message(connection, text, len);
    connection_apply_limits(connection);
}

static void connection_send_error(struct connection *connection, int code, const char *message, cJSON *data) {
    struct buffer answer = {0};
    rpc_write_error(&answer, NULL, code, message, data);
    cJSON_Delete(data);
    connection_send(connection, answer.data, answer.len);
    buffer_deinit(&answer);
}

static void connection_on_too_long(struct channel *channel) {
    struct connection *connection = connection_of(channel);
    connection->messages++;
    connection_send_error(connection, RPC_INVALID_REQUEST, "Invalid Request: the message is over the limit", NULL);
}

/* Whether the client has closed its socket, rather than only its sending side (shutdown(2)). */
static bool connection_is_gone(struct channel *channel) {
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&channel->pipe, &fd) < 0)
        return true;
    struct pollfd poll_fd = {.fd = fd};
    return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLHUP | POLLERR)) != 0;
}

static void connection_on_ended(struct channel *channel, const char *why) {
    struct connection *connection = connection_of(channel);
    if (why != NULL) {
        connection_send_error(connection, RPC_PARSE_ERROR, why, NULL);
    } else if (connection_is_gone(channel)) {
        connection_close(connection);
        return;
    } else if (frame_reader_pending(&channel->in)) {
        connection_send_error(connection, RPC_PARSE_ERROR, "Parse error: the last message is not complete", NULL);
    }
    connection_finish(connection);
}

static void connection_on_drained(struct channel *channel) {
    struct connection *connection = connection_of(channel);
    connection_touch(connection);
    connection_apply_limits(connection);
    list_each(link, &connection->others) {
        struct attachment *attachment = list_entry(link, struct attachment, link);
        attachment->events->resumed(attachment);
    }
    connection_close_if_finished(connection);
}

static void connection_on_unwritable(struct channel *channel) {
    connection_close(connection_of(channel));
}

static void connection_on_closed(struct channel *channel) {
    struct connection *connection = connection_of(channel);
    struct census *census = connection->group->census;
    free(connection);
    census_connection_closed(census);
}

static const struct channel_events connection_channel_events = {
    .message = connection_on_message,
    .too_long = connection_on_too_long,
    .ended = connection_on_ended,
    .closed = connection_on_closed,
    .drained = connection_on_drained,
    .unwritable = connection_on_unwritable,
};

void connection_new(struct connection_group *group, int fd) {
    struct connection *connection = xcalloc(1, sizeof *connection);
    connection->group = group;
    list_init(&connection->requests);
    list_init(&connection->others);
    channel_init(&connection->channel, group->channels, &connection_channel_events, group->options->frame_limit);
    channel_count(&connection->channel);
    list_append(&group->connections, &connection->link);
    census_connection_opened(group->census);
    connection_touch(connection);
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

void connection_attach(struct connection *connection, struct attachment *attachment,
                       const struct attachment_events *events) {
    attachment->events = events;
    list_append(events->is_request ? &connection->requests : &connection->others, &attachment->link);
    connection->open += events->is_request;
}

void connection_detach(struct connection *connection, struct attachment *attachment) {
    list_remove(&attachment->link);
    if (!attachment->events->is_request)
        return;
    connection->open--;
    if (connection->channel.closing)
        return;
    connection_touch(connection);
    connection_apply_limits(connection);
    connection_close_if_finished(connection);
}

void connection_hold(struct connection *connection, size_t bytes) {
    connection->held += bytes;
    connection->group->census->held += bytes;
}

void connection_release(struct connection *connection, size_t bytes) {
    assert(connection->held >= bytes);
    connection->held -= bytes;
    connection->group->census->held -= bytes;
}

size_t connection_size(const struct connection *connection) {
    return connection->held + connection->channel.held;
}

size_t connection_unread(const struct connection *connection) {
    return channel_pending(&connection->channel);
}

bool connection_is_idle_since(const struct connection *connection, uint64_t ms) {
    return list_empty(&connection->requests) && list_empty(&connection->others) && connection->active_ms <= ms;
}

void connection_finish(struct connection *connection) {
    connection->finishing = true;
    connection_close_if_finished(connection);
}

static void connection_end_all(struct list *attachments) {
    while (!list_empty(attachments)) {
        struct attachment *attachment = list_entry(attachments->next, struct attachment, link);
        attachment->events->ended(attachment);
    }
}

void connection_close(struct connection *connection) {
    if (connection->channel.closing)
        return;
    channel_close(&connection->channel);
    list_remove(&connection->link);
    connection_end_all(&connection->others); /* a watch ends before its jobs, whose answers it would take */
    connection_end_all(&connection->requests);
    assert(connection->open == 0);
}

void connection_close_for(struct connection *connection, const char *reason) {
    if (channel_pending(&connection->channel) == 0) {
        connection_send_error(connection, RPC_UNAVAILABLE, reason, rpc_unavailable_data(reason, true));
        channel_flush(&connection->channel);
    }
    connection_close(connection);
}
