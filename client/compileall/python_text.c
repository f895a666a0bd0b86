/* Follows Objects/unicodeobject.c: unicode_repr, and Lib/posixpath.py: join. */
#include "client/compileall/python_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

static const struct range {
    uint32_t first, last;
} unprintable[] = {
#include "client/compileall/unprintable.inc"
};

/* Reads the code point at *at and moves behind it. */
static uint32_t next_code_point(const char **at, const char *end) {
    const unsigned char *bytes = (const unsigned char *)*at;
    size_t len = bytes[0] < 0x80 ? 1 : utf8_sequence(*at, end);
    *at += len ? len : 1;
    switch (len) {
    case 0:
        return 0xdc00u + bytes[0];
    case 1:
        return bytes[0];
    case 2:
        return (bytes[0] & 0x1fu) << 6 | (bytes[1] & 0x3fu);
    case 3:
        return (bytes[0] & 0x0fu) << 12 | (bytes[1] & 0x3fu) << 6 | (bytes[2] & 0x3fu);
    default:
        return (bytes[0] & 0x07u) << 18 | (bytes[1] & 0x3fu) << 12 | (bytes[2] & 0x3fu) << 6 | (bytes[3] & 0x3fu);
    }
}

static bool is_printable(uint32_t c) {
    size_t low = 0, high = sizeof unprintable / sizeof *unprintable;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c > unprintable[middle].last)
            low = middle + 1;
        else if (c < unprintable[middle].first)
            high = middle;
        else
            return false;
    }
    return true;
}

static void append_escaped(struct buffer *out, uint32_t c) {
    switch (c) {
    case '\t':
        buffer_append_string(out, "\\t");
        return;
    case '\n':
        buffer_append_string(out, "\\n");
        return;
    case '\r':
        buffer_append_string(out, "\\r");
        return;
    default:
        break;
    }
    if (c < 0x100)
        buffer_printf(out, "\\x%02x", c);
    else if (c < 0x10000)
        buffer_printf(out, "\\u%04x", c);
    else
        buffer_printf(out, "\\U%08x", c);
}

void python_text_repr(struct buffer *out, const char *name) {
    char quote = strchr(name, '\'') != NULL && strchr(name, '"') == NULL ? '"' : '\'';
    const char *end = name + strlen(name);
    buffer_append_char(out, quote);
    for (const char *at = name; at < end;) {
        const char *begin = at;
        uint32_t c = next_code_point(&at, end);
        if (c == '\\' || c == (unsigned char)quote)
            buffer_printf(out, "\\%c", (int)c);
        else if (c < 0x80 ? c >= 0x20 && c != 0x7f : is_printable(c))
            buffer_append(out, begin, (size_t)(at - begin));
        else
            append_escaped(out, c);
    }
    buffer_append_char(out, quote);
}

int python_text_compare(const char *a, const char *b) {
    const char *a_end = a + strlen(a), *b_end = b + strlen(b);
    while (a < a_end && b < b_end) {
        uint32_t x = next_code_point(&a, a_end), y = next_code_point(&b, b_end);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return (a < a_end) - (b < b_end);
}

char *python_text_join(const char *a, const char *b) {
    size_t len = strlen(a);
    if (*b == '/' || len == 0)
        return xstrdup(b);
    return xasprintf("%s%s%s", a, a[len - 1] == '/' ? "" : "/", b);
}

/* str.isspace() of one character. */
static bool is_space(uint32_t c) {
    return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

size_t python_text_strip(const char **text) {
    const char *end = *text + strlen(*text), *begin = NULL, *last = *text;
    for (const char *at = *text; at < end;) {
        const char *here = at;
        if (is_space(next_code_point(&at, end)))
            continue;
        begin = begin ? begin : here;
        last = at;
    }
    *text = begin ? begin : end;
    return begin ? (size_t)(last - begin) : 0;
}
