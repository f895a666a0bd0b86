/* A client's connection: its channel, its open jobs, and the limits on both. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/channel.h"
#include "daemon/list.h"

struct job;
struct server;

struct connection {
    struct list link; /* in server->connections */
    struct server *server;
    struct channel channel;
    struct list jobs;
    unsigned open;      /* jobs */
    bool finishing;     /* the client has no more to say: close once all is answered and sent */
};

/* Takes the connection that waits on the server's listener. A peer of another user is refused. */
void connection_accept(struct server *server);

/* Sends one message. */
void connection_send(struct connection *connection, const char *text, size_t len);

/* A job of this connection begins or ends: called by job.c alone. */
void connection_job_opened(struct connection *connection, struct job *job);
void connection_job_closed(struct connection *connection, struct job *job);

/* Closes once what is open has been answered and sent. */
void connection_finish(struct connection *connection);

/* Closes now; queued jobs are dropped, what runs is finished and discarded. */
void connection_close(struct connection *connection);
