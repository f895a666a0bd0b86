/* An entry of the cache: the outcome of one compile (code and warnings, or an error) in a form into which any file name
 * can be put. This is only the form; cache/store.h keeps entries, cache/key.h names them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"

/* The number of this form. The key takes it, so entries of another form are never met. */
#define ENTRY_FORMAT 3

enum entry_kind {
    ENTRY_NONE,
    ENTRY_CODE,
    ENTRY_ERROR, /* the compiler has refused the source: a PyCompileError */
};

/* The outcome of a compile, and the file name under which the source was compiled. */
struct entry_outcome {
    enum entry_kind kind;
    const char *name;   /* co_filename, as bytes of the file system */
    const cJSON *json;  /* of code: its warnings, as in a result of the protocol, or NULL; of an error: its data */
    const void *stream; /* of code: marshalled */
    size_t len;
    unsigned minor; /* of CPython 3.MINOR */
};

/* Appends the entry. Where the file name cannot be exchanged, the entry serves that name alone. */
void entry_encode(const struct entry_outcome *outcome, struct buffer *entry);

/* Reads an entry for the file name `name`. ENTRY_CODE: appends the stream that compiling under this name gives, and
 * sets *json to the warnings, an array. ENTRY_ERROR: sets *json to the data of the error. The caller deletes *json.
 * ENTRY_NONE: the entry does not serve that name; *json is not set and `stream` may have grown. The entry may be any
 * bytes. */
enum entry_kind entry_decode(const void *entry, size_t len, const char *name, struct buffer *stream, cJSON **json);
