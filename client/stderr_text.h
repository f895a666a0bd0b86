/* Text on standard error as Python prints it there: UTF-8, and what cannot be encoded with
 * backslashes (errors="backslashreplace"). */
#pragma once

#include "base/buffer.h"

/* Appends `text` (bytes as proto/json.h has them): a byte 0xNN that is not UTF-8 becomes \udcNN. */
void stderr_text_append(struct buffer *out, const char *text);

/* Writes the text at once. Errors are ignored, as nothing is left to say them on. */
void stderr_text_print(const char *text);
