/* Repair of JSON texts from an editor. An editor sends the characters of its buffer, and json_check() refuses some of
 * them inside strings. The edits must not be lost, so such characters are replaced by others of the same length. Pure.
 */
#pragma once

#include "base/buffer.h"

/* Appends the text to `out` and replaces inside its strings:
 *
 *   \u0000                                      by U+0001
 *   a lone surrogate other than \udc80..\udcff  by U+FFFD
 *   a byte NN that is not part of UTF-8         by \udcNN
 *
 * Each replacement has the length of the original in every position encoding; an invalid byte counts as one. Nothing
 * outside of strings is changed. The result may still be no JSON. */
void repair_json(const char *text, size_t len, struct buffer *out);
