/* Where in a text the compiler's errors and warnings are: CPython's line and column as lines and bytes of the text.
 *
 * Nothing is read or kept here: the functions depend on their arguments alone. */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "proto/position.h"
#include "proto/source_text.h"

/* A place in the text: a line and a byte in it, both counted from 0. */
struct text_place {
    size_t line;
    size_t byte;
};

struct text_range {
    struct text_place start, end;
};

/* The unit of an error's columns (of an `exc_value` of the protocol). The parser counts characters, and its errors have
 * `text`, the line. The symbol table and the compiler count bytes, and take `text` from the file of that name. So the
 * answer is right for a text that was compiled under a name that no file has. */
enum position_encoding error_range_unit(const cJSON *value);

/* The range of an error in a text that was compiled as `name`. It is CPython's own range; one character where CPython
 * gives no end behind the start; the whole line where it gives no column; the first line where it gives no line. */
struct text_range error_range(const struct source_text *text, const char *name, const cJSON *value,
                              enum position_encoding unit);

/* The range of a line without the white space around it. Lines count from 1, as in CPython; a number without a line
 * means the nearest line. */
struct text_range error_range_of_line(const struct source_text *text, double lineno);

/* Whether the line on which the error begins has characters of more than one byte. If not, bytes and characters are the
 * same. */
bool error_range_is_wide(const struct source_text *text, const cJSON *value);
