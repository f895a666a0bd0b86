/* Percent-decoding. */
#include "base/percent.h"

#include <stddef.h>

#include "base/buffer.h"
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
