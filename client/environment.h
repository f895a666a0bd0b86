/* What a Python process takes from its surroundings, as members of a compile request: the working
 * directory, the umask, and the environment variables that change what is written. */
#pragma once

#include <cjson/cJSON.h>

#include "proto/compile_request.h"

struct environment {
    char *cwd; /* NULL where it cannot be told */
    int umask;
    const char *source_date_epoch; /* from the environment, or NULL where unset or empty */
    const char *pycache_prefix;
    const char *python;
    int cache;          /* enum cache_use, of PYCOMPILE_CACHE */
    int optimize;       /* of PYTHONOPTIMIZE, -1: not said */
    int optimize_flags; /* how many -O were given: the greater of it and `optimize` counts */
    cJSON *warnings;    /* array, PYTHONWARNINGS first */
};

/* Reads all of it. */
void environment_init(struct environment *environment);
void environment_deinit(struct environment *environment);

/* The level of both, -1 where neither was given. */
int environment_optimize(const struct environment *environment);

/* Fills a request with it, everything else at its default; the request borrows from it. */
void environment_request(const struct environment *environment, struct compile_request *request);
