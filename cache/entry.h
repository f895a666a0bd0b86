/* An entry of the cache: the outcome of one compile (code and warnings) in a form into which any file name can be put.
 * This is only the form; cache/store.h keeps entries, cache/key.h names them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"

/* The outcome of a compile, and the file name under which the source was compiled. */
struct entry_outcome {
    const void *stream; /* the marshalled code */
    size_t len;
    unsigned minor;        /* of CPython 3.MINOR */
    const char *name;      /* co_filename, as bytes of the file system */
    const cJSON *warnings; /* array as in a result of the protocol, or NULL */
};

/* Appends the entry. Where the file name cannot be exchanged, the entry serves that name alone. */
void entry_encode(const struct entry_outcome *outcome, struct buffer *entry);

/* Whether the entry serves the name `name`. If so, appends the stream that compiling under this name gives, and sets
 * *warnings, which the caller deletes; else *warnings is not set and `stream` may have grown. The entry may be any
 * bytes. */
bool entry_decode(const void *entry, size_t len, const char *name, struct buffer *stream, cJSON **warnings);
