/* Follows Lib/linecache.py, and Lib/tokenize.py: open() and detect_encoding(). */
#include "host/source_lines.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "host/source_scan.h"

static bool is_valid_utf8(const char *at, const char *end) {
    while (at < end) {
        uint64_t word;
        if (end - at >= (ptrdiff_t)sizeof word) {
            memcpy(&word, at, sizeof word);
            if ((word & 0x8080808080808080u) == 0) {
                at += sizeof word;
                continue;
            }
        }
        size_t len = utf8_sequence(at, end);
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

/* Of a source that seems to declare another encoding than UTF-8. */
static enum source_lines_status declared_status(struct source_lines *lines) {
    switch (source_cookie_find(lines->data, (size_t)(lines->end - lines->data), lines->encoding)) {
    case SOURCE_COOKIE_UTF8:
        return is_valid_utf8(lines->data, lines->end) ? SOURCE_LINES_READY : SOURCE_LINES_NONE;
    case SOURCE_COOKIE_NAMED:
        return SOURCE_LINES_ENCODED;
    case SOURCE_COOKIE_BROKEN:
        return SOURCE_LINES_NONE;
    default:
        return SOURCE_LINES_UNKNOWN;
    }
}

void source_lines_use(struct source_lines *lines, const char *text, size_t len) {
    lines->data = lines->at = text;
    lines->end = text + len;
    lines->number = 1;
}

enum source_lines_status source_lines_init(struct source_lines *lines, const char *data, size_t len) {
    *lines = (struct source_lines){.data = data, .end = data + len, .number = 1};
    enum source_encoding encoding = source_scan_encoding(data, len);
    lines->marked = len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0;
    if (lines->marked)
        lines->data += 3;
    lines->at = lines->data;
    /* With a mark, only the spelling "utf-8" is allowed. */
    if (encoding != SOURCE_ENCODING_DEFAULT && lines->marked)
        return SOURCE_LINES_UNKNOWN;
    if (encoding == SOURCE_ENCODING_OTHER)
        return declared_status(lines);
    return is_valid_utf8(lines->data, lines->end) ? SOURCE_LINES_READY : SOURCE_LINES_NONE;
}

/* The end of the line at `at`, before its "\n", "\r" or "\r\n". */
static const char *line_end(const char *at, const char *end) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    const char *stop = newline ? newline : end;
    const char *carriage = memchr(at, '\r', (size_t)(stop - at));
    return carriage ? carriage : stop;
}

static const char *after_line(const char *stop, const char *end) {
    if (stop == end)
        return end;
    return stop + (*stop == '\r' && end - stop >= 2 && stop[1] == '\n' ? 2 : 1);
}

bool source_lines_find(struct source_lines *lines, long number, const char **text, size_t *len) {
    if (number < lines->number) {
        lines->at = lines->data;
        lines->number = 1;
    }
    while (lines->number < number && lines->at < lines->end) {
        lines->at = after_line(line_end(lines->at, lines->end), lines->end);
        lines->number++;
    }
    if (number < 1 || lines->at == lines->end)
        return false;
    *text = lines->at;
    *len = (size_t)(line_end(lines->at, lines->end) - lines->at);
    return true;
}
