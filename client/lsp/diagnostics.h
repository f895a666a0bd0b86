/* The daemon's answer to a check as the Language Server Protocol's diagnostics. Pure. */
#pragma once

#include <cjson/cJSON.h>

#include "proto/source_text.h"

/* What a buffer is compiled as: a name that no file can have. Where a file stood under it, CPython would read its
 * lines, not the buffer's, to tell columns and to show them; and that an error has no line to show tells that its
 * columns count bytes. */
#define DIAGNOSTICS_NAME "/dev/null/buffer"

/* Builds the array, which the caller deletes: an error, if there is one, then the warnings. One of `result` and `error`
 * (the object with code, message and data) is not NULL. NULL where the error says nothing of the text. */
cJSON *diagnostics_build(const struct source_text *text, enum position_encoding encoding, const cJSON *result,
                         const cJSON *error);
