/* Bytes are kept in one buffer; messages are handed out of it without a copy. */
#include "proto/frame.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/decimal.h"

/* Longest run of headers before a message. */
#define HEADERS_MAX 4096

/* The most memory that an empty reader keeps. */
#define EMPTY_SIZE_MAX 4096

void frame_reader_init(struct frame_reader *reader, size_t limit) {
    *reader = (struct frame_reader){.limit = limit};
}

void frame_reader_deinit(struct frame_reader *reader) {
    buffer_deinit(&reader->in);
}

/* Drops what was handed out; keeps the move cheap by waiting until half of the buffer is dead. */
static void frame_compact(struct frame_reader *reader) {
    if (reader->start < reader->in.len && reader->start < reader->in.cap / 2)
        return;
    buffer_consume(&reader->in, reader->start);
    reader->scanned -= reader->scanned < reader->start ? reader->scanned : reader->start;
    reader->start = 0;
}

char *frame_reader_reserve(struct frame_reader *reader, size_t size) {
    frame_compact(reader);
    return buffer_reserve(&reader->in, size);
}

void frame_reader_commit(struct frame_reader *reader, size_t len) {
    reader->in.len += len;
}

void frame_reader_trim(struct frame_reader *reader) {
    if (reader->start < reader->in.len || reader->in.cap <= EMPTY_SIZE_MAX)
        return;
    buffer_deinit(&reader->in);
    reader->start = reader->scanned = 0;
}

size_t frame_reader_size(const struct frame_reader *reader) {
    return reader->in.cap;
}

bool frame_reader_pending(const struct frame_reader *reader) {
    return reader->start < reader->in.len || reader->skip > 0 || reader->skip_line;
}

const char *frame_reader_unread(const struct frame_reader *reader, size_t *len) {
    *len = reader->in.len - reader->start;
    return *len > 0 ? reader->in.data + reader->start : "";
}

static void frame_advance(struct frame_reader *reader, size_t len) {
    reader->start += len;
    if (reader->scanned < reader->start)
        reader->scanned = reader->start;
}

static void frame_skip_space(struct frame_reader *reader) {
    while (reader->start < reader->in.len && strchr(" \t\r\n", reader->in.data[reader->start]) &&
           reader->in.data[reader->start] != '\0')
        frame_advance(reader, 1);
}

static enum frame_status frame_next_line(struct frame_reader *reader, const char **text, size_t *len) {
    for (;;) {
        if (!reader->skip_line)
            frame_skip_space(reader);
        size_t left = reader->in.len - reader->scanned;
        char *from = reader->in.data + reader->scanned;
        char *newline = left ? memchr(from, '\n', left) : NULL;
        if (newline == NULL) {
            reader->scanned = reader->in.len;
            if (reader->skip_line) {
                frame_advance(reader, reader->in.len - reader->start);
            } else if (reader->in.len - reader->start > reader->limit) {
                reader->skip_line = true;
                frame_advance(reader, reader->in.len - reader->start);
                return FRAME_TOO_LONG;
            }
            return FRAME_NONE;
        }
        *text = reader->in.data + reader->start;
        *len = (size_t)(newline - *text);
        frame_advance(reader, *len + 1);
        if (reader->skip_line) {
            reader->skip_line = false;
            continue;
        }
        return *len > reader->limit ? FRAME_TOO_LONG : FRAME_READY;
    }
}

/* The end of the blank line behind the headers, or NULL. */
static const char *headers_end(const char *text, size_t len) {
    const char *end = memmem(text, len, "\r\n\r\n", 4);
    return end ? end + 4 : NULL;
}

/* A number above this cannot take one more digit in every size_t. */
#define LENGTH_MAX (SIZE_MAX / 16)

static const char *pass_blanks(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

/* Reads a decimal number that fills [at, end) but for blanks. Returns whether there is one, at most 10 * LENGTH_MAX. */
static bool parse_length(const char *at, const char *end, size_t *length) {
    const char *digits = at = pass_blanks(at, end);
    for (*length = 0; at < end && *at >= '0' && *at <= '9'; at++) {
        if (*length > LENGTH_MAX)
            return false;
        *length = *length * 10 + (size_t)(*at - '0');
    }
    return at > digits && pass_blanks(at, end) == end;
}

/* Reads Content-Length out of headers that end at `end`. Returns false where it is missing, given twice, or not a
 * decimal number. */
static bool parse_headers(const char *text, const char *end, size_t *length) {
    static const char wanted[] = "Content-Length:";
    const size_t wanted_len = sizeof wanted - 1;
    bool found = false;
    while (text < end - 2) {
        const char *line_end = memmem(text, (size_t)(end - text), "\r\n", 2);
        if (strncasecmp(text, wanted, wanted_len) == 0) {
            if (found || !parse_length(text + wanted_len, line_end, length))
                return false;
            found = true;
        } else if (memchr(text, ':', (size_t)(line_end - text)) == NULL) {
            return false;
        }
        text = line_end + 2;
    }
    return found;
}

static enum frame_status next_headed(struct frame_reader *reader, const char **text, size_t *len) {
    size_t have;
    const char *at = frame_reader_unread(reader, &have);
    if (reader->skip > 0) {
        size_t skipped = reader->skip < have ? reader->skip : have;
        reader->skip -= skipped;
        frame_advance(reader, skipped);
        if (reader->skip > 0)
            return FRAME_NONE;
        at = frame_reader_unread(reader, &have);
    }
    size_t look = have < HEADERS_MAX ? have : HEADERS_MAX;
    const char *body = look ? headers_end(at, look) : NULL;
    if (body == NULL)
        return have >= HEADERS_MAX ? FRAME_BROKEN : FRAME_NONE;
    size_t length;
    if (!parse_headers(at, body, &length))
        return FRAME_BROKEN;
    size_t head = (size_t)(body - at);
    if (length > reader->limit) {
        frame_advance(reader, head);
        reader->skip = length;
        return FRAME_TOO_LONG;
    }
    if (have - head < length)
        return FRAME_NONE;
    frame_advance(reader, head + length);
    *text = body;
    *len = length;
    return FRAME_READY;
}

static enum framing recognise(char first) {
    if (first == '{' || first == '[')
        return FRAMING_LINES;
    if (first == 'C' || first == 'c')
        return FRAMING_HEADERS;
    return FRAMING_UNKNOWN;
}

enum frame_status frame_reader_next(struct frame_reader *reader, const char **text, size_t *len) {
    if (reader->framing == FRAMING_UNKNOWN) {
        frame_skip_space(reader);
        if (reader->start == reader->in.len)
            return FRAME_NONE;
        reader->framing = recognise(reader->in.data[reader->start]);
    }
    switch (reader->framing) {
    case FRAMING_LINES:
        return frame_next_line(reader, text, len);
    case FRAMING_HEADERS:
        return next_headed(reader, text, len);
    case FRAMING_UNKNOWN:
        break;
    }
    return FRAME_BROKEN;
}

void frame_write(enum framing framing, const char *text, size_t len, struct buffer *out) {
    if (framing == FRAMING_HEADERS) {
        char digits[DECIMAL_SIZE];
        size_t count = decimal_write(len, digits);
        buffer_append_string(out, "Content-Length: ");
        buffer_append(out, digits, count);
        buffer_append_string(out, "\r\n\r\n");
    }
    buffer_append(out, text, len);
    if (framing != FRAMING_HEADERS)
        buffer_append_char(out, '\n');
}
