/* The parameters of `compile`, `check` and `watch`: what a client asks, the server schedules and a host carries out.
 *
 * compile_parameters in compile_request.c is the one place that names them. Decoding, defaults, the cache's key
 * (cache/key.c), the refusals of `watch` and the parameters in openrpc.json come from its rows. What a parameter does
 * is not here but in host/. */
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

/* How a compile uses the cache. */
enum cache_use {
    CACHE_USE,
    CACHE_BYPASS,  /* neither looks up nor stores */
    CACHE_REFRESH, /* stores, but does not look up */
};

extern const struct schema_choice cache_choices[];
extern const struct schema_choice invalidation_choices[];
extern const struct schema_choice priority_choices[];

/* The longest compile of a request that names no timeout_ms, where the server is not told otherwise. */
#define COMPILE_TIMEOUT_DEFAULT_MS 60000

/* Strings belong to the tree they were decoded from; bytes as json.h has them. */
struct compile_request {
    const char *file;
    const char *cwd;               /* absolute, or NULL */
    const char *cfile;             /* or NULL */
    const char *dfile;             /* or NULL */
    int optimize;                  /* -1 or a level; a level above 2 changes the file's name alone */
    int invalidation_mode;         /* enum invalidation_mode */
    const char *source_date_epoch; /* or NULL */
    const char *pycache_prefix;    /* or NULL */
    int umask;                     /* -1: not said */
    const cJSON *places;           /* array of identities (base/place.h), or NULL */
    const cJSON *warnings;         /* array of strings, or NULL */
    bool legacy;
    bool canonical; /* the canonical form of the .pyc (cache/canonical.h), not a fresh interpreter's bytes */
    bool force;
    const char *source;      /* text to compile instead of the file's, or NULL */
    const char *source_file; /* the file whose bytes `source` holds, where the daemon finds it, or NULL */
    const char *source_copy; /* a file that holds those bytes in place of `source`, or NULL */
    bool write;
    const char *python; /* "X.Y", the path of an interpreter, or NULL */
    int priority;       /* enum priority */
    int timeout_ms;     /* 0: none; -1: not said */
    int cache;          /* enum cache_use */
    bool trace;         /* the answer tells which worker ran the job, and when */
};

/* What a row says of its parameter: one effect and one scope. */
enum compile_mark {
    /* Neither code nor warnings depend on the parameter. */
    COMPILE_EFFECT_NONE = 1 << 0,
    /* Code or warnings depend on the value: the cache's key takes it. */
    COMPILE_EFFECT_VALUE = 1 << 1,
    /* Code or warnings depend on what the value selects (the interpreter, the name of the module): the cache's key
     * takes that and not the value. */
    COMPILE_EFFECT_SELECTED = 1 << 2,
    COMPILE_EFFECTS = COMPILE_EFFECT_NONE | COMPILE_EFFECT_VALUE | COMPILE_EFFECT_SELECTED,

    /* The parameter is about one file or its answer: `watch` refuses it. */
    COMPILE_SCOPE_FILE = 1 << 3,
    /* The parameter can be the same for many files: `watch` takes it. */
    COMPILE_SCOPE_ANY = 1 << 4,
    COMPILE_SCOPES = COMPILE_SCOPE_FILE | COMPILE_SCOPE_ANY,
};

/* The table: one row a parameter, in struct compile_request, marked by enum compile_mark. */
extern const struct schema_field compile_parameters[];
extern const size_t compile_parameter_count;

/* Sets the defaults of `compile` and `check`. */
void compile_request_init(struct compile_request *request);

/* Sets the defaults of `watch`: its jobs are in the background. */
void compile_request_init_watch(struct compile_request *request);

/* Decodes and checks the parameters of `compile` or `check` (NULL: none given). Returns 0, or -EINVAL and a sentence
 * in *why, which the caller frees. */
int compile_request_decode(const cJSON *params, struct compile_request *request, char **why);

/* Decodes and checks those of a `watch` that are a compile's, in an object without `paths` and `initial`; `file` stays
 * NULL. Returns as compile_request_decode(). */
int compile_request_decode_watch(const cJSON *params, struct compile_request *request, char **why);

/* Builds the parameters of a request; members at their defaults are left out. The caller deletes the object. */
cJSON *compile_request_encode(const struct compile_request *request);

/* The invalidation mode that is meant, INVALIDATION_DEFAULT resolved as py_compile does it. */
enum invalidation_mode compile_request_mode(const struct compile_request *request);

/* The compiler's level that is meant: 0, 1 or 2. */
int compile_request_level(const struct compile_request *request);

/* The name that becomes co_filename: dfile, or file where dfile is not given or empty. */
const char *compile_request_name(const struct compile_request *request);
