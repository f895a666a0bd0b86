/* The daemon's settings, from its command line and environment. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/remote_options.h"
#include "proto/json.h"

/* The source of the number of workers. */
enum workers_by {
    WORKERS_BY_OPTION,
    WORKERS_BY_AFFINITY, /* the processors of the affinity mask */
    WORKERS_BY_QUOTA,    /* the CPU quota of a control group, which is less */
};

struct options {
    char *socket_path;
    bool background;
    bool replaceable; /* as clients start it: a client may ask it to leave, and start another in its place */
    bool inetd;       /* serve the connection on standard input alone, and leave when it closes */
    unsigned workers; /* of each Python version, at most */
    enum workers_by workers_by;
    unsigned idle_timeout_s;    /* 0: stay */
    unsigned shrink_after_s;    /* idle time after which a pool shrinks to one interpreter; 0: never */
    unsigned job_timeout_ms;    /* for requests without one; 0: none */
    unsigned host_memory_mib;   /* a host larger than that is replaced; 0: no limit */
    unsigned host_limit_mib;    /* most that a process of a host may allocate; 0: no limit */
    unsigned big_source;        /* bytes; a longer source gets a host of its own; 0: none does */
    unsigned start_timeout_s;   /* for a host to come up */
    unsigned drain_timeout_s;   /* for running jobs and unread answers, when the daemon leaves */
    unsigned connection_idle_s; /* after so long without an event a connection is closed; 0: never */
    unsigned connection_limit;
    size_t frame_limit;      /* bytes */
    struct json_limits json; /* of a message */
    unsigned open_limit;     /* open requests of a connection; more are not read */
    size_t pending_limit;    /* bytes of unread answers; a connection with more is not read from */
    size_t memory_limit;     /* bytes held for all connections together */
    const char *python;      /* default version, or NULL: the newest */
    char *hosts;             /* folder to look for hosts in first, absolute, or NULL */
    char *cache;             /* the cache's folder, or NULL: none */
    size_t cache_limit;      /* bytes; 0: as it was */
    bool shares_release;     /* the cache's key names the release of Python, not the build and the architecture */
    struct remote_options remote;
};

/* Fills *options. Returns whether the program goes on. Else help, the version or an error has been printed and the exit
 * status is in *status. options_deinit() is due in both cases. */
bool options_parse(struct options *options, int argc, char **argv, int *status);
void options_deinit(struct options *options);
