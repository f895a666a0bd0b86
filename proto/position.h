/* Columns of a line in the Language Server Protocol's encodings, and bytes of its text. Pure.
 *
 * Text is UTF-8. A byte that is not part of a well-formed sequence stands for itself and counts as one of everything.
 */
#pragma once

#include <stddef.h>

/* What a column counts. */
enum position_encoding {
    POSITION_UTF16, /* the protocol's default */
    POSITION_UTF8,
    POSITION_UTF32, /* code points: Python's characters */
};

/* The protocol's name of it. */
const char *position_encoding_name(enum position_encoding encoding);

/* Reads a name. Returns 0, or -1 where it is none. */
int position_encoding_parse(const char *name, enum position_encoding *encoding);

/* The byte that a column stands at: the start of its character where it is inside one, `len` where it is behind the
 * line. */
size_t position_to_byte(enum position_encoding encoding, const char *line, size_t len, size_t column);

/* The column of the character that holds byte `byte` (at most `len`). */
size_t position_from_byte(enum position_encoding encoding, const char *line, size_t len, size_t byte);

/* The length of the character at `at`, which is before `end`. */
size_t position_character(const char *at, const char *end);
