/* The parameters of `compile` and `check`: what a client asks, the server schedules and a host
 * carries out. The table in compile.c is the one place that names them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "proto/schema.h"

enum invalidation_mode {
    INVALIDATION_DEFAULT, /* checked-hash if source_date_epoch is not empty, else timestamp */
    INVALIDATION_TIMESTAMP,
    INVALIDATION_CHECKED_HASH,
    INVALIDATION_UNCHECKED_HASH,
};

enum priority {
    PRIORITY_INTERACTIVE,
    PRIORITY_NORMAL,
    PRIORITY_BACKGROUND,
    PRIORITY_COUNT,
};

/* What a compile has to do with the cache. */
enum cache_use {
    CACHE_USE,
    CACHE_BYPASS,  /* neither asks nor feeds it */
    CACHE_REFRESH, /* feeds it */
};

extern const struct schema_choice cache_choices[];
extern const struct schema_choice invalidation_choices[];
extern const struct schema_choice priority_choices[];

/* Strings belong to the tree they were decoded from; bytes as json.h has them. */
struct compile_request {
    const char *file;
    const char *cwd;               /* absolute, or NULL */
    const char *cfile;             /* or NULL */
    const char *dfile;             /* or NULL */
    int optimize;                  /* -1 or a level; beyond 2 it changes but the file's name */
    int invalidation_mode;         /* enum invalidation_mode */
    const char *source_date_epoch; /* or NULL */
    const char *pycache_prefix;    /* or NULL */
    int umask;                     /* -1: not said */
    const cJSON *warnings;         /* array of strings, or NULL */
    bool legacy;
    bool force;
    const char *source; /* text to compile instead of the file's, or NULL */
    bool write;
    const char *python; /* "X.Y", or NULL */
    int priority;       /* enum priority */
    int timeout_ms;     /* 0: none; -1: not said */
    int cache;          /* enum cache_use */
    bool trace;         /* the answer tells which worker ran it when */
};

/* Decodes and checks the parameters (NULL: none given). Returns 0, or -1 and a message in `why`. */
int compile_request_decode(const cJSON *params, struct compile_request *request, char *why, size_t why_size);

/* Builds the parameters of a request; members at their defaults are left out. The caller deletes. */
cJSON *compile_request_encode(const struct compile_request *request);

/* The invalidation mode that is meant, INVALIDATION_DEFAULT resolved as py_compile does it. */
enum invalidation_mode compile_request_mode(const struct compile_request *request);

/* The compiler's level that is meant: 0, 1 or 2. */
int compile_request_level(const struct compile_request *request);
