/* Text on standard error as Python prints it: UTF-8, with backslash escapes for characters that cannot be encoded
 * (errors="backslashreplace"). */
#pragma once

#include "base/buffer.h"

/* Appends `text` (bytes in the form of proto/json.h). A byte 0xNN that is not UTF-8 becomes \udcNN. */
void stderr_text_append(struct buffer *out, const char *text);

/* Writes the text at once. Errors are ignored: there is no other place to report them. */
void stderr_text_print(const char *text);
