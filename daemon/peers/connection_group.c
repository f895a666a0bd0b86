/* The limits on all connections together, checked in every turn of the loop. */
#include "daemon/peers/connection_group.h"

#include <sys/socket.h>
#include <unistd.h>

#include "daemon/log.h"
#include "proto/rpc.h"

static const char too_many[] = "the daemon has as many connections as it can have";
static const char too_large[] = "the daemon holds too much for its clients, and most of it for this connection";
static const char too_idle[] = "nothing has happened on this connection for too long";

size_t connection_group_held(const struct connection_group *group) {
    return group->census->held + group->channels->held;
}

static struct connection *connection_group_largest(const struct connection_group *group) {
    struct connection *largest = NULL;
    list_each(link, &group->connections) {
        struct connection *connection = list_entry(link, struct connection, link);
        if (largest == NULL || connection_size(connection) > connection_size(largest))
            largest = connection;
    }
    return largest;
}

/* Closes connections only while that helps: none is closed for memory that it does not hold. */
static void connection_group_close_largest(struct connection_group *group, size_t limit) {
    struct connection *largest;
    while (connection_group_held(group) > limit && (largest = connection_group_largest(group)) != NULL &&
           connection_size(largest) > 0) {
        log_line("%zu KiB are held for clients: the connection that holds most, %zu KiB, is closed",
                 connection_group_held(group) / 1024, connection_size(largest) / 1024);
        group->census->counters.refused++;
        connection_close_for(largest, too_large);
    }
}

static void connection_group_watch_memory(struct channel_group *channels) {
    struct connection_group *group = channels->owner;
    size_t limit = group->options->memory_limit;
    connection_group_close_largest(group, limit);
    bool tight = connection_group_held(group) > (group->tight ? limit / 8 * 3 : limit / 2);
    if (!tight && !group->tight)
        return;
    group->tight = tight;
    list_each(link, &group->connections)
        connection_apply_limits(list_entry(link, struct connection, link));
}

void connection_group_init(struct connection_group *group, struct channel_group *channels,
                           const struct options *options, struct census *census,
                           const struct connection_events *events) {
    *group = (struct connection_group){
        .events = events,
        .channels = channels,
        .options = options,
        .census = census,
        .limit = options->connection_limit,
    };
    list_init(&group->connections);
    channels->owner = group;
    channels->turn = connection_group_watch_memory;
    channels->limit = options->memory_limit;
}

static bool connection_group_allows(int fd) {
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return false;
    if (peer.uid == geteuid() || peer.uid == 0)
        return true;
    log_line("refused a connection of uid %lu (pid %ld)", (unsigned long)peer.uid, (long)peer.pid);
    return false;
}

/* Tells the client that there are too many connections, and closes `fd`. */
static void connection_group_turn_away(struct connection_group *group, int fd) {
    struct buffer text = {0}, line = {0};
    cJSON *data = rpc_unavailable_data(too_many, true);
    rpc_write_error(&text, NULL, RPC_UNAVAILABLE, too_many, data);
    frame_write(FRAMING_LINES, text.data, text.len, &line);
    if (group->census->counters.refused++ == 0)
        log_line("refused a connection: there are %u", group->census->connections);
    (void)send(fd, line.data, line.len, MSG_DONTWAIT | MSG_NOSIGNAL); /* else the client sees end of file */
    close(fd);
    cJSON_Delete(data);
    buffer_deinit(&text);
    buffer_deinit(&line);
}

void connection_group_refuse(struct connection_group *group, int fd) {
    if (connection_group_allows(fd))
        connection_group_turn_away(group, fd);
    else
        close(fd);
}

void connection_group_accept(struct connection_group *group, int fd) {
    if (!connection_group_allows(fd))
        close(fd);
    else if (group->census->connections >= group->limit)
        connection_group_turn_away(group, fd);
    else
        connection_new(group, fd);
}

void connection_group_close_idle(struct connection_group *group, uint64_t ms) {
    list_each(link, &group->connections) { /* an idle connection has no attachments: closing it changes no other */
        struct connection *connection = list_entry(link, struct connection, link);
        if (connection_is_idle_since(connection, ms))
            connection_close_for(connection, too_idle);
    }
}

void connection_group_finish(struct connection_group *group) {
    list_each(link, &group->connections) /* without jobs, closing one connection changes no other */
        connection_finish(list_entry(link, struct connection, link));
}

void connection_group_close(struct connection_group *group) {
    while (!list_empty(&group->connections)) /* closing one can finish another: its jobs may have been the last */
        connection_close(list_entry(group->connections.next, struct connection, link));
}
