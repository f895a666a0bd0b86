/* The text of an open document, by lines, and the edits that a client makes to it. Pure.
 *
 * Lines end with \n, \r\n or \r, as the Language Server Protocol has it, and Python. There is always at least one line;
 * the last one has no end. */
#pragma once

#include <stddef.h>

#include "base/buffer.h"
#include "proto/position.h"

/* Zero-initialised is the empty text. */
struct source_text {
    struct buffer bytes;
    size_t *starts; /* of the lines behind the first */
    size_t count;   /* of starts */
    size_t cap;
};

/* Counted from 0; the column in the client's encoding. */
struct source_position {
    size_t line;
    size_t column;
};

void source_text_deinit(struct source_text *text);

/* Replaces all of it. */
void source_text_set(struct source_text *text, const char *bytes, size_t len);

/* Replaces what stands from `start` to `end`. Positions behind a line's end mean its end, behind the last line the
 * text's end; an `end` before `start` means `start`. */
void source_text_edit(struct source_text *text, enum position_encoding encoding, struct source_position start,
                      struct source_position end, const char *bytes, size_t len);

size_t source_text_lines(const struct source_text *text);

/* The line without its end; NULL and 0 behind the last. Valid until the next change; never NULL for a line that is
 * there. */
const char *source_text_line(const struct source_text *text, size_t line, size_t *len);
