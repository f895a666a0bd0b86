/* An error lasts if its class and its words cannot come from a lack of memory, of stack or of files, and if the line
 * that it shows is a line of the source: CPython reads that line from the disk once more, and shows something else
 * where that fails. */
#include "host/lasting_error.h"

#include <string.h>

#include "base/utf8.h"
#include "host/source_lines.h"
#include "proto/json.h"

/* CPython reads a line to be shown in pieces of 1000 bytes, and shows the last of them. */
#define LINE_MAX_BYTES 990

/* The longest text that is kept: answers cut longer ones (host/answer.c), by a length that counts the file's name. */
#define TEXT_MAX_BYTES ((size_t)64 << 10)

#define NULL_BYTES "source code string cannot contain null bytes"

/* U+FFFD, which stands for bytes that are not UTF-8. */
#define REPLACEMENT "\xef\xbf\xbd"

/* A MemoryError or RecursionError depends on the machine, the thread, and on what called the compiler. The classes of
 * warnings may come from a codec. */
static bool is_lasting_class(const char *type, const char *msg) {
    return strcmp(type, "SyntaxError") == 0 || strcmp(type, "IndentationError") == 0 || strcmp(type, "TabError") == 0 ||
           (strcmp(type, "ValueError") == 0 && strcmp(msg, NULL_BYTES) == 0);
}

/* Words that CPython also has for a codec or a module that could not be imported, for whatever reason. */
static bool blames_import(const char *msg) {
    return strncmp(msg, "encoding problem", 16) == 0 || strncmp(msg, "unknown encoding", 16) == 0 ||
           strstr(msg, "can't load") != NULL;
}

static bool is_between(char byte, unsigned char low, unsigned char high) {
    return (unsigned char)byte >= low && (unsigned char)byte <= high;
}

/* The bytes at `at` for which a decoder puts one U+FFFD: the longest beginning of a sequence, or one byte. */
static size_t replaced_len(const char *at, const char *end) {
    unsigned char lead = (unsigned char)*at;
    size_t wanted = lead >= 0xf0 && lead <= 0xf4 ? 3 : lead >= 0xe0 && lead < 0xf0 ? 2 : 0, len = 1;
    unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    while (len < wanted && len < (size_t)(end - at) && is_between(at[len], low, high)) {
        low = 0x80;
        high = 0xbf;
        len++;
    }
    return len;
}

/* Whether the text is the line, decoded as UTF-8 with replacements. */
static bool is_line(const char *text, size_t text_len, const char *line, size_t len) {
    const char *text_end = text + text_len, *end = line + len;
    while (line < end && text < text_end) {
        size_t same = utf8_sequence(line, end);
        if (same == 0 && ((size_t)(text_end - text) < 3 || memcmp(text, REPLACEMENT, 3) != 0))
            return false;
        if (same > 0 && (same > (size_t)(text_end - text) || memcmp(text, line, same) != 0))
            return false;
        line += same > 0 ? same : replaced_len(line, end);
        text += same > 0 ? same : 3;
    }
    return line == end && text == text_end;
}

/* Whether `text` is line `number` of the source, or empty behind the last one. */
static bool is_line_of(const char *text, long number, const char *source, size_t len) {
    struct source_lines lines;
    const char *line = "";
    size_t line_len = 0, text_len = strlen(text);
    (void)source_lines_init(&lines, source, len); /* whatever the encoding, the bytes decide */
    (void)source_lines_find(&lines, number, &line, &line_len);
    text_len -= text_len > 0 && text[text_len - 1] == '\n';
    bool shows_mark = lines.marked && number <= 1; /* or not: that depends on where the line comes from */
    return number >= 1 && !shows_mark && line_len <= LINE_MAX_BYTES && is_line(text, text_len, line, line_len);
}

bool lasting_error(const cJSON *data, const char *source, size_t len) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(data, "exc_value");
    const char *type = json_get_string(data, "exc_type_name"), *whole = json_get_string(data, "msg");
    const char *msg = json_get_string(value, "msg"), *text = json_get_string(value, "text");
    if (type == NULL || msg == NULL || whole == NULL || strlen(whole) > TEXT_MAX_BYTES)
        return false;
    if (!is_lasting_class(type, msg) || blames_import(msg))
        return false;
    if (text == NULL) /* then it must be about no line */
        return strcmp(msg, NULL_BYTES) == 0 && cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(value, "lineno"));
    return is_line_of(text, (long)json_get_number(value, "lineno", 0), source, len);
}
