/* The daemon's command line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/remote_options.h"
#include "proto/json.h"

struct options {
    char *socket_path;
    bool background;
    unsigned workers;           /* of each Python version, at most */
    unsigned idle_timeout_s;    /* 0: stay */
    unsigned shrink_after_s;    /* idle time after which a pool shrinks to one interpreter; 0: never */
    unsigned job_timeout_ms;    /* for requests that name none; 0: none */
    unsigned host_memory_mib;   /* a host larger than that is replaced; 0: no limit */
    unsigned host_limit_mib;    /* most that a process of a host may allocate; 0: no limit */
    unsigned big_source;        /* bytes; a longer source gets a host of its own; 0: none does */
    unsigned start_timeout_s;   /* for a host to come up */
    unsigned drain_timeout_s;   /* for what runs and what is unread to end, once the daemon is told to leave */
    unsigned connection_idle_s; /* a connection that nothing happens on is closed; 0: never */
    unsigned connection_limit;
    size_t frame_limit;      /* bytes */
    struct json_limits json; /* of a message */
    unsigned open_limit;     /* open requests of a connection; more are not read */
    size_t pending_limit;    /* bytes of unread answers; with more a connection is not read from */
    size_t memory_limit;     /* bytes held for all connections together */
    const char *python;      /* default version, or NULL: the newest */
    const char *hosts;       /* folder to look for hosts in first, or NULL */
    char *cache;             /* the cache's folder, or NULL: none */
    size_t cache_limit;      /* bytes; 0: as it was */
    struct remote_options remote;
};

/* Fills *options from the command line and the environment. Prints help, version or an error itself; then
 * it returns false with the exit status in *status. */
bool options_parse(struct options *options, int argc, char **argv, int *status);
void options_deinit(struct options *options);
