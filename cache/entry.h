/* An entry of the cache: what compiling a source gave, in a form that any file name can be put
 * into. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"

/* What a compile gave, and under which name. */
struct cache_outcome {
    const void *stream; /* marshalled code */
    size_t len;
    unsigned minor;        /* of CPython 3.MINOR */
    const char *name;      /* co_filename, file-system bytes */
    const cJSON *warnings; /* array as in a result, or NULL */
};

/* Appends the entry. One whose name cannot be exchanged serves that name alone. */
void cache_entry_encode(const struct cache_outcome *outcome, struct buffer *entry);

/* Appends the stream as compiling under `name` gives it, and makes the warnings, which the caller
 * deletes. False: the entry does not serve this name (or is none). */
bool cache_entry_decode(const void *entry, size_t len, const char *name, struct buffer *stream, cJSON **warnings);
