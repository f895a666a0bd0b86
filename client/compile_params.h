/* The parameters of many `compile` requests that differ in little. The common members are encoded once. */
#pragma once

#include "base/buffer.h"
#include "proto/compile_request.h"

struct compile_params {
    const char *cfile, *pycache_prefix; /* of the request, for `places` */
    struct buffer shared;               /* JSON text of an object, without its end */
};

/* Encodes the members that all requests share. file, dfile and optimize are left to compile_params_append(). */
void compile_params_init(struct compile_params *params, const struct compile_request *shared);
void compile_params_deinit(struct compile_params *params);

/* Appends the parameters for one file. `dfile` may be NULL; `optimize` is left out if it is -1. `place`
 * (NULL: `file`) is the path whose folder the daemon must see as this process does. */
void compile_params_append(const struct compile_params *params, const char *file, const char *dfile, int optimize,
                           const char *place, struct buffer *out);
