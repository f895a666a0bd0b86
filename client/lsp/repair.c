/* Repair of JSON texts from an editor. */
#include "client/lsp/repair.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

static bool repair_is_low_surrogate(int unit) {
    return unit >= 0xdc00 && unit <= 0xdfff;
}

static bool repair_is_high_surrogate(int unit) {
    return unit >= 0xd800 && unit <= 0xdbff;
}

/* Copies the escape that begins with the backslash at `at`; returns its length. */
static size_t repair_escape(const char *at, const char *end, struct buffer *out) {
    int unit = at + 1 < end && at[1] == 'u' ? utf8_hex(at + 2, end, 4) : -1;
    size_t len = unit >= 0 ? 6 : at + 1 < end ? 2 : 1;
    bool high = repair_is_high_surrogate(unit), low = repair_is_low_surrogate(unit);
    bool pair =
        high && end - at >= 12 && at[6] == '\\' && at[7] == 'u' && repair_is_low_surrogate(utf8_hex(at + 8, end, 4));
    if (pair)
        len = 12;
    if (unit == 0)
        buffer_append_string(out, "\\u0001");
    else if (!pair && (high || (low && (unit < 0xdc80 || unit > 0xdcff))))
        buffer_append_string(out, "\\ufffd");
    else
        buffer_append(out, at, len);
    return len;
}

void repair_json(const char *text, size_t len, struct buffer *out) {
    const char *end = text + len;
    bool inside = false;
    while (text < end) {
        size_t step = utf8_sequence(text, end);
        if (inside && *text == '\\') {
            text += repair_escape(text, end, out);
        } else if (inside && step == 0) {
            buffer_printf(out, "\\udc%02x", (unsigned char)*text++);
        } else {
            inside ^= *text == '"';
            buffer_append(out, text, step ? step : 1);
            text += step ? step : 1;
        }
    }
}
