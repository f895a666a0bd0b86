/* Where in a text the compiler's errors and warnings are: from what CPython says of the place to lines and columns.
 * Pure. */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "proto/position.h"
#include "proto/source_text.h"

/* A place in the text: a line, counted from 0, and a byte of it. */
struct text_place {
    size_t line;
    size_t byte;
};

struct text_range {
    struct text_place start, end;
};

/* What the columns of an error (an `exc_value` of the protocol) count. The parser counts characters, and has the line
 * at hand to show; what comes behind it (the symbol table, the compiler) counts bytes, and shows what is in the file of
 * that name. So this is right for a text that was compiled under a name that no file has. */
enum position_encoding error_range_unit(const cJSON *value);

/* The range of the error, of a text that was compiled as `name`: what CPython gives; one character where it gives no
 * end, or none behind the start; the line where it gives no column; the first line for an error that is of no line. */
struct text_range error_range(const struct source_text *text, const char *name, const cJSON *value,
                              enum position_encoding unit);

/* What is written on a line, without white space around it; the line as CPython counts, from 1, or the nearest there
 * is. */
struct text_range error_range_of_line(const struct source_text *text, double lineno);

/* Whether the line that the error begins on has characters of more than one byte: else bytes and characters are the
 * same. */
bool error_range_is_wide(const struct source_text *text, const cJSON *value);
