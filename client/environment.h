/* The surroundings of a Python process as members of a compile request: the working directory, the umask, and the
 * environment variables that change the output. */
#pragma once

#include <cjson/cJSON.h>

#include "proto/compile_request.h"

struct environment {
    char *cwd; /* NULL if it is unknown */
    int umask;
    const char *source_date_epoch; /* from the environment, or NULL where unset or empty */
    const char *pycache_prefix;
    const char *python;
    int cache;          /* enum cache_use, of PYCOMPILE_CACHE */
    int optimize;       /* of PYTHONOPTIMIZE, -1: not said */
    int optimize_flags; /* the number of -O options; the greater of it and `optimize` counts */
    cJSON *warnings;    /* array, PYTHONWARNINGS first */
};

/* Reads everything. */
void environment_init(struct environment *environment);
void environment_deinit(struct environment *environment);

/* The level of both, or -1 if neither was given. */
int environment_optimize(const struct environment *environment);

/* Fills a request with the environment; everything else gets its default. The request borrows the strings. */
void environment_request(const struct environment *environment, struct compile_request *request);
