/* What makes two compiles the same: the key of a cached one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "cache/store.h"

/* All that goes into bytecode and warnings. */
struct cache_question {
    const char *python;    /* Py_GetVersion(): the release, how it was built and by what compiler */
    uint32_t magic;        /* of its .pyc files */
    int optimize;          /* -1: as 0 */
    const cJSON *warnings; /* array of the -W options, or NULL */
    const char *name;      /* the file's, where more than co_filename depends on it; else NULL */
    const char *source;
    size_t len;
};

/* Whether warnings can depend on the name, or on whose module's they are: -W options of a module,
 * and __main__, for which Python has a filter. */
bool cache_name_matters(const char *name, const cJSON *warnings);

/* The key: BLAKE2b of it all, so that nobody finds two questions of one key. */
void cache_key_of(const struct cache_question *question, struct store_key *key);
