/* The daemon's command line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct options {
    char *socket_path;
    bool background;
    unsigned workers;         /* of each Python version, at most */
    unsigned idle_timeout_s;  /* 0: stay */
    unsigned shrink_after_s;  /* idle time after which a pool shrinks to one interpreter; 0: never */
    unsigned job_timeout_ms;  /* for requests that name none; 0: none */
    unsigned host_memory_mib; /* a host larger than that is replaced; 0: no limit */
    size_t frame_limit;       /* bytes */
    unsigned open_limit;      /* open requests of a connection; more are not read */
    const char *python;       /* default version, or NULL: the newest */
    const char *hosts;        /* folder to look for hosts in first, or NULL */
};

/* Fills *options from the command line and the environment. Prints help, version or an error itself; then
 * it returns false with the exit status in *status. */
bool options_parse(struct options *options, int argc, char **argv, int *status);
void options_deinit(struct options *options);
