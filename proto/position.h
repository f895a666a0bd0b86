/* Columns of a line in the encodings of the Language Server Protocol, and bytes of its text.
 *
 * Text is UTF-8. A byte that is not part of a well-formed sequence is a character of its own, of one column. */
#pragma once

#include <stddef.h>

/* The unit of a column. */
enum position_encoding {
    POSITION_UTF16, /* the protocol's default */
    POSITION_UTF8,
    POSITION_UTF32, /* code points: Python's characters */
};

/* The protocol's name of the encoding. */
const char *position_encoding_name(enum position_encoding encoding);

/* Reads the protocol's name of an encoding. Returns 0, or -EINVAL for any other name. */
int position_encoding_parse(const char *name, enum position_encoding *encoding);

/* The byte at which a column begins. For a column inside a character it is the character's first byte; for a column
 * behind the line it is `len`. */
size_t position_to_byte(enum position_encoding encoding, const char *line, size_t len, size_t column);

/* The column of the character that holds byte `byte` (at most `len`). */
size_t position_from_byte(enum position_encoding encoding, const char *line, size_t len, size_t byte);

/* The length of the character at `at`, which is before `end`. */
size_t position_character(const char *at, const char *end);
