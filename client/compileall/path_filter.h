/* compileall's -x: which paths match a regular expression of Python's. Python itself is asked, through the daemon. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "client/rpc_client.h"

struct path_filter {
    struct rpc_client *client;
    const char *python;
    const char *pattern;
};

/* Sets found[i] to whether re.search() finds the pattern in paths[i]. Returns 0, or -1 with a message, which the caller
 * frees: the last line of Python's traceback where the pattern is none. */
int path_filter_run(const struct path_filter *filter, char *const *paths, size_t count, bool *found, char **why);
