/* Percent-encoding of URIs (RFC 3986, section 2.1). */
#pragma once

#include "base/buffer.h"

/* Decodes the text up to `end`. Returns a string, which the caller frees, or NULL if a percent sign is not followed by
 * two hexadecimal digits, or if a byte is NUL. */
char *percent_decode(const char *text, const char *end);

/* Appends the path, with slashes; all bytes that are not unreserved are encoded. */
void percent_encode(struct buffer *out, const char *path);
