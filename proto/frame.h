/* The two framings of a byte stream: messages ended by newlines, and messages behind `Content-Length:` headers as the
 * Language Server Protocol 3.17 (base protocol) has them.
 *
 * The first byte of the stream tells which: '{' or '[' (or white space before it) is lines, 'C' or 'c' is headers. File
 * descriptors and the contents of messages are not known here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/* Default for the longest message, in bytes. */
#define FRAME_LIMIT_DEFAULT (64u << 20)

enum framing {
    FRAMING_UNKNOWN,
    FRAMING_LINES,
    FRAMING_HEADERS,
};

enum frame_status {
    FRAME_NONE,     /* more bytes are needed */
    FRAME_READY,    /* a message was found */
    FRAME_TOO_LONG, /* a message over the limit began; it will be skipped, the stream goes on */
    FRAME_BROKEN,   /* not one of the two framings: nothing more can be read from this stream */
};

struct frame_reader {
    struct buffer in;
    size_t limit;
    size_t start;   /* in `in`: the first byte that was not handed out yet */
    size_t scanned; /* in `in`: no newline is between `start` and here */
    size_t skip;    /* headers: bytes of a too long message that are still to come */
    bool skip_line; /* lines: the rest of a too long message is still to come */
    enum framing framing;
};

/* Begins an empty stream. `limit` is the longest message, in bytes, at least 1. */
void frame_reader_init(struct frame_reader *reader, size_t limit);
void frame_reader_deinit(struct frame_reader *reader);

/* Where to read the next `size` bytes to; invalidates the last message. */
char *frame_reader_reserve(struct frame_reader *reader, size_t size);

/* States that `len` bytes were put there. */
void frame_reader_commit(struct frame_reader *reader, size_t len);

/* Takes the next message; *text is valid until frame_reader_reserve() or frame_reader_trim() is called. */
enum frame_status frame_reader_next(struct frame_reader *reader, const char **text, size_t *len);

/* Frees memory that holds no bytes of a message. */
void frame_reader_trim(struct frame_reader *reader);

/* The bytes that were read and not handed out, *len of them. Never NULL; valid as long as a message is. */
const char *frame_reader_unread(const struct frame_reader *reader, size_t *len);

/* Memory that the reader holds, in bytes. */
size_t frame_reader_size(const struct frame_reader *reader);

/* Whether bytes of an unfinished message are held. */
bool frame_reader_pending(const struct frame_reader *reader);

/* Appends a message. FRAMING_UNKNOWN writes lines; then `text` must hold no newline. */
void frame_write(enum framing framing, const char *text, size_t len, struct buffer *out);
