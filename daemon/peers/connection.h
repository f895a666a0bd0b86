/* A client's connection: its channel, the things that depend on it (attachments), and its limits. What a message means
 * is its owner's business (struct connection_events).
 *
 * A connection is not read from while it has too many open requests or too many unread answers, so that its client's
 * writes block (back-pressure). It is not read from either while all connections together hold half of the memory limit
 * and jobs run that will bring that down, unless it has no open request and holds little. connection_group.h has the
 * limit on all connections together. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "daemon/census.h"
#include "daemon/options.h"
#include "daemon/peers/channel.h"

struct connection;
struct attachment;

struct connection_events {
    /* A message came; `text` is valid during the call. */
    void (*message)(struct connection *connection, const char *text, size_t len);
};

/* What all connections have in common. */
struct connection_group {
    const struct connection_events *events;
    struct channel_group *channels;
    const struct options *options;
    struct census *census;
    struct list connections;
    unsigned limit; /* connections at once */
    bool tight;     /* half of the memory limit is held */
};

struct attachment_events {
    /* The connection is closing: the attachment detaches itself. */
    void (*ended)(struct attachment *attachment);
    /* The client has read all that it was sent. Not called for requests. */
    void (*resumed)(struct attachment *attachment);
    bool is_request; /* counts as an open request */
};

/* Something that depends on a connection, embedded in the structure that does: a job, a watch. */
struct attachment {
    struct list link; /* in a list of the connection's; in no list: not attached */
    const struct attachment_events *events;
};

struct connection {
    struct list link; /* in group->connections */
    struct connection_group *group;
    struct channel channel;
    struct list requests; /* attachments that are requests, as they came */
    struct list others;   /* attachments that are not */
    unsigned open;        /* requests */
    uint64_t messages;    /* that came, those over the limit included */
    size_t held;          /* bytes charged by connection_hold() */
    uint64_t active_ms;   /* when the client last sent a message or took an answer */
    bool finishing;       /* the client sends no more: close when all is answered and sent */
};

/* Makes a connection of the socket `fd`, which it takes, in the group. */
void connection_new(struct connection_group *group, int fd);

/* Sends one message. */
void connection_send(struct connection *connection, const char *text, size_t len);

/* Adds or removes an attachment. An attachment is removed before its structure is freed. */
void connection_attach(struct connection *connection, struct attachment *attachment,
                       const struct attachment_events *events);
void connection_detach(struct connection *connection, struct attachment *attachment);

/* Charges the connection for `bytes` that are held for it, and takes that back. */
void connection_hold(struct connection *connection, size_t bytes);
void connection_release(struct connection *connection, size_t bytes);

/* Stops or resumes reading from it, as the limits say. */
void connection_apply_limits(struct connection *connection);

/* All bytes that are held for it, its channel's buffers included. */
size_t connection_size(const struct connection *connection);

/* Bytes that the client has been sent and has not read. */
size_t connection_unread(const struct connection *connection);

/* Whether nothing has happened on it since `ms` (uv_now()), and nothing is attached to it. */
bool connection_is_idle_since(const struct connection *connection, uint64_t ms);

/* Closes when what is open has been answered and sent. */
void connection_finish(struct connection *connection);

/* Closes now: its attachments end. Memory goes in a later turn of the loop. */
void connection_close(struct connection *connection);

/* Sends an Unavailable error, as far as the socket takes it at once, and closes. */
void connection_close_for(struct connection *connection, const char *reason);
