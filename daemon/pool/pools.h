/* The pools of a daemon: one for each Python version for which there is a host program. */
#pragma once

#include "daemon/pool/pool.h"

struct pools {
    struct pool **items; /* the newest Python first */
    unsigned count;
    struct pool *fallback; /* for requests that name no version */
};

/* Makes a pool for each host program that is found (base/host_programs.h). `model`: see pool_new(). Returns 0, or
 * -ENOENT with a message in *why, which the caller frees, where there is no pool for the default version. In both cases
 * pools_close() is due, and pools_deinit() later. */
int pools_init(struct pools *pools, const struct host_group *model, char **why);
void pools_close(struct pools *pools);
void pools_deinit(struct pools *pools);

/* The pool for a version ("3.13"; NULL: the default), or NULL. */
struct pool *pools_find(const struct pools *pools, const char *python);

/* Says which versions there are, for a request that wants another; the caller frees. */
char *pools_missing_reason(const struct pools *pools, const char *python);
