/* Every function walks the line from its start. */
#include "proto/position.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"

static const char *const encoding_names[] = {
    [POSITION_UTF16] = "utf-16", [POSITION_UTF8] = "utf-8", [POSITION_UTF32] = "utf-32"};

const char *position_encoding_name(enum position_encoding encoding) {
    return encoding_names[encoding];
}

int position_encoding_parse(const char *name, enum position_encoding *encoding) {
    for (size_t i = 0; i < sizeof encoding_names / sizeof *encoding_names; i++)
        if (strcmp(encoding_names[i], name) == 0) {
            *encoding = (enum position_encoding)i;
            return 0;
        }
    return -EINVAL;
}

size_t position_character(const char *at, const char *end) {
    size_t len = utf8_sequence(at, end);
    return len ? len : 1;
}

/* The columns of a character that has `bytes` bytes in UTF-8. */
static size_t columns_of(enum position_encoding encoding, size_t bytes) {
    switch (encoding) {
    case POSITION_UTF8:
        return bytes;
    case POSITION_UTF16:
        return bytes == 4 ? 2 : 1;
    case POSITION_UTF32:
        break;
    }
    return 1;
}

size_t position_to_byte(enum position_encoding encoding, const char *line, size_t len, size_t column) {
    size_t byte = 0;
    while (byte < len) {
        size_t bytes = position_character(line + byte, line + len);
        size_t columns = columns_of(encoding, bytes);
        if (column < columns)
            break;
        column -= columns;
        byte += bytes;
    }
    return byte;
}

size_t position_from_byte(enum position_encoding encoding, const char *line, size_t len, size_t byte) {
    size_t column = 0;
    for (size_t at = 0; at < len;) {
        size_t bytes = position_character(line + at, line + len);
        if (at + bytes > byte)
            break;
        at += bytes;
        column += columns_of(encoding, bytes);
    }
    return column;
}
