/* Conversion of the daemon's answer to a check into diagnostics of the Language Server Protocol. Pure functions. */
#pragma once

#include <cjson/cJSON.h>

#include "proto/source_text.h"

/* The name under which a buffer is compiled. No file can have it: CPython would read the lines of a file of that name,
 * and not the buffer's, to compute columns and to show text. Without such a line the columns of an error count bytes
 * (error_range_unit()). */
#define DIAGNOSTICS_NAME "/dev/null/buffer"

/* Builds an array that the caller deletes: first the error, if there is one, then the warnings. Exactly one of `result`
 * and `error` (an object with code, message and data) is not NULL. Returns NULL where the error is not about the text.
 */
cJSON *diagnostics_build(const struct source_text *text, enum position_encoding encoding, const cJSON *result,
                         const cJSON *error);
