/* The server: the loop and what lives on it, and the daemon's end. What clients may ask for is defined in methods.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "cache/remote/state.h"
#include "daemon/census.h"
#include "daemon/options.h"
#include "daemon/peers/acceptor.h"
#include "daemon/peers/channel.h"
#include "daemon/peers/connection_group.h"
#include "daemon/peers/language_server.h"
#include "daemon/pool/interpreters.h"
#include "daemon/process/listen.h"
#include "daemon/process/notifier.h"

struct server {
    const struct options *options;
    struct census census;
    struct remote_state *remote; /* of the cache's remote tier, shared with hosts, or NULL */
    int remote_fd;               /* of its memory; else -1 */
    uv_loop_t loop;
    struct listener listener;
    struct acceptor acceptor;
    struct channel_group channels;
    struct connection_group clients;
    struct language_server_group language_servers;
    struct pools pools;
    struct interpreters interpreters;
    struct notifier notifier;
    uint64_t seen_refusals, seen_moved; /* the channels', when the watchdog was told last */
    uv_signal_t sigterm, sigint;
    uv_timer_t idle_timer;
    uv_timer_t shrink_timer;
    uv_timer_t connection_timer; /* looks for idle connections */
    uv_timer_t drain_timer;
    uv_timer_t status_timer; /* tells the service manager how things stand */
    uint64_t started_ms;
    uint64_t used_ms;    /* when the daemon became idle, without the times when it was only looked at */
    bool shutdown_asked; /* by the message at hand: drain when it is handled */
    bool impatient;      /* draining has taken too long: nothing is waited for any more */
    bool closing;
};

/* Makes a server that will listen on `listener`, which it takes, and releases the signals that were held
 * (process/signals.h). `events` handles the clients' messages. Returns NULL, with a message in *why that the caller
 * frees, if there is no host. */
struct server *server_new(const struct options *options, const struct connection_events *events,
                          struct listener *listener, char **why);

/* Serves until drained. */
void server_run(struct server *server);

/* Frees everything; the loop has ended. */
struct server *server_free(struct server *server);

/* The server of a client's connection. */
struct server *server_of(const struct connection *connection);

/* Stops accepting, finishes what runs, answers what is queued with a retryable error, and ends the loop. What still
 * runs after the drain timeout is killed and answered in the same way. The reason is logged; NULL: nothing is, since
 * the end was expected. */
void server_drain(struct server *server, const char *reason);
