/* Byte by byte. */
#include "base/percent.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "base/utf8.h"

char *percent_decode(const char *text, const char *end) {
    struct buffer out = {0};
    for (; text < end; text++) {
        int byte = *text == '%' ? utf8_hex(text + 1, end, 2) : (unsigned char)*text;
        if (byte <= 0) {
            buffer_deinit(&out);
            return NULL;
        }
        if (*text == '%')
            text += 2;
        buffer_append_char(&out, (char)byte);
    }
    return buffer_string(&out);
}

void percent_encode(struct buffer *out, const char *path) {
    for (; *path != '\0'; path++) {
        unsigned char byte = (unsigned char)*path;
        if (byte < 0x80 && (isalnum(byte) || strchr("/-._~", byte)))
            buffer_append_char(out, *path);
        else
            buffer_printf(out, "%%%02X", byte);
    }
}
