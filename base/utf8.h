/* UTF-8 sequences (RFC 3629) and the hexadecimal digits of escapes. */
#pragma once

#include <stddef.h>

/* The length of the well-formed UTF-8 sequence at `at`, or 0. Surrogates and overlong forms are not well-formed. */
size_t utf8_sequence(const char *at, const char *end);

/* The value of the `digits` hexadecimal digits at `at`, or -1 if there are not as many. */
int utf8_hex(const char *at, const char *end, int digits);
