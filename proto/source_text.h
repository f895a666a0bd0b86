/* The text of an open document, by lines, and an editor's changes to it.
 *
 * Lines end with \n, \r\n or \r, in the Language Server Protocol and in Python. A text has at least one line; the last
 * line has no end. */
#pragma once

#include <stddef.h>

#include "base/buffer.h"
#include "proto/position.h"

/* Zero-initialised is the empty text. */
struct source_text {
    struct buffer bytes;
    size_t *starts; /* byte at which each line but the first begins; owned */
    size_t count;   /* number of starts */
    size_t cap;
};

/* Counted from 0; the column in the client's encoding. */
struct source_position {
    size_t line;
    size_t column;
};

void source_text_deinit(struct source_text *text);

/* Replaces the whole text. */
void source_text_set(struct source_text *text, const char *bytes, size_t len);

/* Replaces the text from `start` to `end`. A position behind the end of a line means that end; a position behind the
 * last line means the end of the text; an `end` before `start` means `start`. */
void source_text_edit(struct source_text *text, enum position_encoding encoding, struct source_position start,
                      struct source_position end, const char *bytes, size_t len);

/* The number of lines. */
size_t source_text_lines(const struct source_text *text);

/* The line without its end, *len bytes; valid until the next change. NULL and 0 for a line behind the last, and for no
 * other. */
const char *source_text_line(const struct source_text *text, size_t line, size_t *len);
