/* Escapes byte by byte. */
#include "client/stderr_text.h"

#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/utf8.h"

void stderr_text_append(struct buffer *out, const char *text) {
    const char *end = text + strlen(text), *plain = text;
    while (text < end) {
        size_t len = (unsigned char)*text < 0x80 ? 1 : utf8_sequence(text, end);
        if (len == 0) {
            buffer_append(out, plain, (size_t)(text - plain));
            buffer_printf(out, "\\udc%02x", (unsigned char)*text);
            plain = text + 1;
            len = 1;
        }
        text += len;
    }
    buffer_append(out, plain, (size_t)(end - plain));
}

void stderr_text_print(const char *text) {
    struct buffer out = {0};
    stderr_text_append(&out, text);
    (void)io_write_all(STDERR_FILENO, out.data, out.len);
    buffer_deinit(&out);
}
