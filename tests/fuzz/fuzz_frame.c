/* Fuzzes proto/frame: any stream, in pieces of any size, gives the same messages, within the limit.
 *
 * The first byte of the input chooses the limit, the second the sizes of the pieces; the rest is the stream. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth) {
    if (!truth)
        abort();
}

/* Appends what the reader hands out now: a letter for the status, and the message. False at the stream's end. */
static bool take(struct frame_reader *reader, struct buffer *seen) {
    const char *text;
    size_t len;
    for (;;) {
        switch (frame_reader_next(reader, &text, &len)) {
        case FRAME_NONE:
            return true;
        case FRAME_READY:
            require(len <= reader->limit);
            buffer_printf(seen, "R%zu:", len);
            buffer_append(seen, text, len);
            break;
        case FRAME_TOO_LONG:
            buffer_append_char(seen, 'L');
            break;
        case FRAME_BROKEN:
            buffer_append_char(seen, 'B');
            return false;
        }
    }
}

/* Feeds the stream in pieces of 1 to `piece_max` bytes. Returns what was seen, which the caller frees. */
static struct buffer feed(const uint8_t *data, size_t size, size_t limit, size_t piece_max) {
    struct frame_reader reader;
    struct buffer seen = {0};
    unsigned state = 1;
    frame_reader_init(&reader, limit);
    for (bool on = true; on && size > 0;) {
        state = state * 1103515245u + 12345u;
        size_t piece = 1 + (state >> 16) % piece_max;
        if (piece > size)
            piece = size;
        memcpy(frame_reader_reserve(&reader, piece), data, piece);
        frame_reader_commit(&reader, piece);
        on = take(&reader, &seen);
        data += piece;
        size -= piece;
    }
    buffer_append_char(&seen, frame_reader_pending(&reader) ? 'P' : 'E');
    frame_reader_deinit(&reader);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3)
        return 0;
    size_t limit = 1 + data[0] * 4u, piece_max = 1 + data[1] % 64u;
    struct buffer whole = feed(data + 2, size - 2, limit, SIZE_MAX / 2);
    struct buffer pieces = feed(data + 2, size - 2, limit, piece_max);
    /* After a broken frame what is left pending depends on how much had come. */
    bool broken = whole.len > 1 && whole.data[whole.len - 2] == 'B';
    require(pieces.len == whole.len);
    require(memcmp(pieces.data, whole.data, whole.len - (broken ? 1 : 0)) == 0);
    buffer_deinit(&whole);
    buffer_deinit(&pieces);
    return 0;
}
