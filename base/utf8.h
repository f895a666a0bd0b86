/* UTF-8 sequences (RFC 3629) and the hexadecimal digits of escapes. */
#pragma once

#include <stddef.h>

/* The length of the well-formed UTF-8 sequence at `at`, or 0: no surrogates, nothing overlong. */
size_t utf8_sequence(const char *at, const char *end);

/* The number that so many hexadecimal digits at `at` write, or -1. */
int utf8_hex(const char *at, const char *end, int digits);
