/* An edit moves the bytes and finds the lines behind it anew. */
#include "proto/source_text.h"

#include <stdlib.h>
#include <string.h>

void source_text_deinit(struct source_text *text) {
    buffer_deinit(&text->bytes);
    free(text->starts);
    *text = (struct source_text){0};
}

static void add_start(struct source_text *text, size_t start) {
    if (text->count == text->cap) {
        text->cap = text->cap ? 2 * text->cap : 64;
        text->starts = xrealloc(text->starts, text->cap * sizeof *text->starts);
    }
    text->starts[text->count++] = start;
}

/* Finds the starts of the lines behind `line`, whose own start is known. */
static void index_from(struct source_text *text, size_t line) {
    const char *bytes = text->bytes.data;
    text->count = line;
    for (size_t at = line ? text->starts[line - 1] : 0; at < text->bytes.len; at++) {
        if (bytes[at] == '\r' && at + 1 < text->bytes.len && bytes[at + 1] == '\n')
            continue;
        if (bytes[at] == '\n' || bytes[at] == '\r')
            add_start(text, at + 1);
    }
}

void source_text_set(struct source_text *text, const char *bytes, size_t len) {
    text->bytes.len = 0;
    buffer_append(&text->bytes, bytes, len);
    index_from(text, 0);
}

size_t source_text_lines(const struct source_text *text) {
    return text->count + 1;
}

static size_t line_start(const struct source_text *text, size_t line) {
    return line ? text->starts[line - 1] : 0;
}

const char *source_text_line(const struct source_text *text, size_t line, size_t *len) {
    *len = 0;
    if (line > text->count)
        return NULL;
    size_t start = line_start(text, line);
    size_t end = line < text->count ? text->starts[line] : text->bytes.len;
    if (end == start)
        return "";
    const char *bytes = text->bytes.data;
    if (line < text->count) {
        end--;
        if (bytes[end] == '\n' && end > start && bytes[end - 1] == '\r')
            end--;
    }
    *len = end - start;
    return bytes + start;
}

static size_t byte_of(const struct source_text *text, enum position_encoding encoding,
                      struct source_position position) {
    size_t len;
    const char *line = source_text_line(text, position.line, &len);
    if (line == NULL)
        return text->bytes.len;
    return line_start(text, position.line) + position_to_byte(encoding, line, len, position.column);
}

void source_text_edit(struct source_text *text, enum position_encoding encoding, struct source_position start,
                      struct source_position end, const char *bytes, size_t len) {
    size_t from = byte_of(text, encoding, start), to = byte_of(text, encoding, end);
    if (to < from)
        to = from;
    struct buffer *all = &text->bytes;
    buffer_reserve(all, len);
    if (all->len > to)
        memmove(all->data + from + len, all->data + to, all->len - to);
    if (len > 0)
        memcpy(all->data + from, bytes, len);
    all->len += len - (to - from);
    /* The edit may begin with the \n of a \r that ends the line before. */
    size_t line = start.line < text->count ? start.line : text->count;
    index_from(text, line ? line - 1 : 0);
}
