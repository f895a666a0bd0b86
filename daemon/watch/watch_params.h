/* The parameters of `watch`: the folders, and how a file that changes is compiled. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "proto/compile_request.h"
#include "proto/json.h"

struct options;
struct interpreters;

struct watch_params {
    char **paths; /* absolute, without a slash at the end; owned */
    size_t path_count;
    char **places; /* identities of these folders (base/place.h), as the client sees them; owned */
    size_t place_count;
    bool initial; /* begin with the files that are not up to date */
    char *python; /* as the request names it, or NULL; owned */
    enum priority priority;
    unsigned timeout_ms;
    bool asks_cache; /* the jobs look up the cache */
    char *members;   /* the parameters that all jobs share: JSON text with a comma before each member; owned */
};

/* Decodes and checks. Returns 0, or a JSON-RPC error code with a sentence in *why, which the
 * caller frees. The caller calls watch_params_deinit() in both cases. */
int watch_params_read(struct watch_params *params, const struct interpreters *interpreters,
                      const struct options *options, struct json_span span, char **why);
void watch_params_deinit(struct watch_params *params);

/* The bytes that the parameters hold. */
size_t watch_params_size(const struct watch_params *params);

/* Appends the parameters of the job that compiles a file. */
void watch_params_of_job(const struct watch_params *params, const char *file, bool force, struct buffer *out);
