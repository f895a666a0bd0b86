/* The server: the loop, the listener, its connections and pools, and its end. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <uv.h>

#include "base/list.h"
#include "cache/remote_state.h"
#include "daemon/options.h"
#include "daemon/peers/acceptor.h"
#include "daemon/peers/channel.h"
#include "daemon/process/listen.h"
#include "daemon/process/notify.h"

struct pool;

/* What has happened since the start. */
struct counters {
    uint64_t requests;
    uint64_t compiled, up_to_date, checked, cached;
    uint64_t cache_misses; /* compiles of what the cache was asked for */
    uint64_t compile_errors, os_errors;
    uint64_t crashes; /* of hosts */
    uint64_t timeouts, cancelled;
    uint64_t exact;   /* jobs that a pristine process ran */
    uint64_t refused; /* connections beyond the limit, or closed for the memory they held */
};

struct server {
    const struct options *options;
    struct remote_state *remote; /* of the cache's remote tier, which hosts share, or NULL */
    int remote_fd;               /* of its memory; else -1 */
    uv_loop_t loop;
    struct listener listener;
    struct acceptor acceptor;
    struct channel_group channels;
    uv_signal_t sigterm, sigint;
    uv_timer_t idle_timer;
    uv_timer_t shrink_timer;
    struct notifier notifier;
    uv_timer_t connection_timer; /* looks for idle connections */
    uv_timer_t drain_timer;
    struct list connections;
    unsigned connection_count; /* handles not yet closed */
    unsigned connection_limit;
    struct list language_servers;
    unsigned language_server_count;
    size_t held;         /* bytes of jobs and gathered answers, beside what the channels hold */
    bool tight;          /* half of the memory limit is held */
    struct pool **pools; /* newest Python first */
    unsigned pool_count;
    struct pool *default_pool;
    unsigned jobs;  /* not yet answered or discarded */
    unsigned hosts; /* not yet gone */
    uint64_t last_job_id;
    uint64_t started_ms;
    bool draining;
    bool impatient; /* draining has taken too long: nothing is waited for any more */
    bool closing;
    uint64_t cache_bytes; /* in the cache, as a host said last */
    struct counters counters;
};

/* Makes a server that will listen on `listener`, which it takes, and releases the signals that were held
 * (hold_signals.h). Returns NULL, with a message in *why that the caller frees, where there is no host. */
struct server *server_new(const struct options *options, struct listener *listener, char **why);

/* Serves until drained. */
void server_run(struct server *server);

/* Frees everything; the loop has ended. */
struct server *server_free(struct server *server);

/* Stops accepting, finishes what runs, answers what is queued with a retryable error, and ends the loop. What still
 * runs after the drain timeout is killed and answered likewise. */
void server_drain(struct server *server, const char *reason);

/* Bytes that are held for clients. */
size_t server_held(const struct server *server);

/* The pool for a version ("3.13"; NULL: the default), or NULL. */
struct pool *server_pool(struct server *server, const char *python);

/* Says which versions there are, for a request that wants another; the caller frees. */
char *server_no_pool_reason(const struct server *server, const char *python);

/* The `data` of an Unavailable error. */
cJSON *unavailable_data(const char *reason, bool retryable);

/* Book-keeping, called by the modules of these things. server_job_started() returns a new job's id. */
uint64_t server_job_started(struct server *server);
void server_job_ended(struct server *server);
void server_connection_come(struct server *server);
void server_connection_gone(struct server *server);
void server_language_server_come(struct server *server);
void server_language_server_gone(struct server *server);
void server_host_come(struct server *server);
void server_host_gone(struct server *server);
