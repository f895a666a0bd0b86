/* Conversion of the daemon's answer to a check into diagnostics of the Language Server Protocol. Pure. */
#pragma once

#include <cjson/cJSON.h>

#include "proto/source_text.h"

/* The name that a buffer is compiled under: no file can have it. Where a file has the name, CPython reads that file's
 * lines, not the buffer's, to compute columns and to show text. An error without such a line counts its columns in
 * bytes, see error_range_unit(). */
#define DIAGNOSTICS_NAME "/dev/null/buffer"

/* Builds an array that the caller deletes: first the error, if there is one, then the warnings. Exactly one of `result`
 * and `error` (an object with code, message and data) is not NULL. Returns NULL where the error is not about the text.
 */
cJSON *diagnostics_build(const struct source_text *text, enum position_encoding encoding, const cJSON *result,
                         const cJSON *error);
