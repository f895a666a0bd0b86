/* A client's connection: its channel, its open jobs, and the limits on both.
 *
 * What a client can make the server hold is bounded twice. A connection with too many open requests or too many unread
 * answers is not read from: its client's writes block. So is one that has open requests or a long one half read while
 * all connections together hold half of the limit and jobs are there to bring that down. What still passes the limit
 * (frames that are never finished, answers that are never read) is met by closing the connection that holds most. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "daemon/peers/channel.h"

struct job;
struct server;

struct connection {
    struct list link; /* in server->connections */
    struct server *server;
    struct channel channel;
    struct list jobs;
    struct list watches;
    unsigned open;      /* jobs */
    uint64_t messages;  /* that came, those over the limit too */
    size_t held;        /* bytes of its jobs and gathered answers */
    uint64_t active_ms; /* when it last said something or took an answer */
    bool finishing;     /* the client has no more to say: close once all is answered and sent */
};

/* Makes a connection of an accepted socket, which it takes. A peer of another user is refused; where there are too many
 * connections the client is told so. */
void connection_accept(struct server *server, int fd);

/* Tells the client that there are too many connections, and closes. */
void connection_refuse(struct server *server, int fd);

/* Sends one message. */
void connection_send(struct connection *connection, const char *text, size_t len);

/* A job of this connection begins or ends: called by job.c alone. */
void connection_job_opened(struct connection *connection, struct job *job);
void connection_job_closed(struct connection *connection, struct job *job);

/* The connection holds so many bytes more, or no longer. */
void connection_hold(struct connection *connection, size_t bytes);
void connection_release(struct connection *connection, size_t bytes);

/* Stops or resumes reading from it, as the limits say. */
void connection_apply_limits(struct connection *connection);

/* All bytes that are held for it. */
size_t connection_size(const struct connection *connection);

/* Whether nothing has happened on it since `ms` (uv_now()), and nothing runs for it. */
bool connection_is_idle_since(const struct connection *connection, uint64_t ms);

/* Closes once what is open has been answered and sent. */
void connection_finish(struct connection *connection);

/* Closes now; queued jobs are dropped, what runs is finished and discarded. */
void connection_close(struct connection *connection);

/* Likewise, after a last word to the client. */
void connection_close_for(struct connection *connection, const char *reason);
