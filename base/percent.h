/* Percent-encoding of URIs (RFC 3986, section 2.1). */
#pragma once

/* The bytes that the text up to `end` stands for, as a string that the caller frees. NULL where a percent sign has no
 * two hexadecimal digits behind it, or a byte is NUL. */
char *percent_decode(const char *text, const char *end);
