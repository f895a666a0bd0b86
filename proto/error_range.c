/* CPython counts lines and columns from 1; here both count from 0. */
#include "proto/error_range.h"

#include <ctype.h>
#include <string.h>

#include "proto/json.h"

/* The index of the line with that number, which counts from 1; the first or the last line where there is none. */
static size_t line_of(const struct source_text *text, double lineno) {
    size_t last = source_text_lines(text) - 1;
    return !(lineno >= 1) ? 0 : lineno - 1 > (double)last ? last : (size_t)lineno - 1;
}

struct text_range error_range_of_line(const struct source_text *text, double lineno) {
    size_t len, from = 0, line = line_of(text, lineno);
    const char *bytes = source_text_line(text, line, &len);
    while (len > 0 && strchr(" \t\f", bytes[len - 1]))
        len--;
    while (from < len && strchr(" \t\f", bytes[from]))
        from++;
    return (struct text_range){{line, from}, {line, len}};
}

/* Whether the byte can be part of a number or of a name. */
static bool is_of_literal(char byte) {
    unsigned char c = (unsigned char)byte;
    return isalnum(c) || c == '_' || c == '.' || c >= 0x80;
}

/* Whether an integer with leading zeros, such as 0777 or 0_7, begins at that byte of the line. */
static bool is_zeros(const char *line, size_t at) {
    size_t len = strlen(line);
    if (at >= len || line[at] != '0' || (at > 0 && is_of_literal(line[at - 1])))
        return false;
    at += strspn(line + at, "0_");
    return isdigit((unsigned char)line[at]);
}

/* One error of the tokenizer has `text`, and yet counts bytes up to some release of each version of CPython (3.13.0
 * does, 3.13.18 does not). Whether the zeros stand where the count of characters leads tells. */
static bool is_odd(const cJSON *value) {
    static const char zeros[] = "leading zeros in decimal integer literals";
    const char *msg = json_get_string(value, "msg"), *text = json_get_string(value, "text");
    double offset = json_get_number(value, "offset", 0);
    if (msg == NULL || text == NULL || strncmp(msg, zeros, sizeof zeros - 1) != 0 || offset < 1)
        return false;
    size_t len = strlen(text), column = offset > (double)len ? len : (size_t)offset - 1;
    return !is_zeros(text, position_to_byte(POSITION_UTF32, text, len, column));
}

enum position_encoding error_range_unit(const cJSON *value) {
    bool bytes = json_get_string(value, "text") == NULL || is_odd(value);
    return bytes ? POSITION_UTF8 : POSITION_UTF32;
}

bool error_range_is_wide(const struct source_text *text, const cJSON *value) {
    size_t len;
    const char *bytes = source_text_line(text, line_of(text, json_get_number(value, "lineno", 1)), &len);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)bytes[i] >= 0x80)
            return true;
    return false;
}

/* The place of a line and a column that both count from 1. The compiler does not see a byte order mark, so its columns
 * begin behind it. */
static struct text_place place_of(const struct source_text *text, enum position_encoding unit, double lineno,
                                  double offset) {
    size_t len, line = line_of(text, lineno);
    const char *bytes = source_text_line(text, line, &len);
    if (lineno > (double)source_text_lines(text))
        return (struct text_place){line, len};
    size_t mark = line == 0 && len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    size_t column = offset > (double)len ? len : (size_t)offset - 1;
    return (struct text_place){line, mark + position_to_byte(unit, bytes + mark, len - mark, column)};
}

/* The end of the one character at `start`: CPython may give no end, or an end before the start. */
static struct text_place one_character(const struct source_text *text, struct text_place start) {
    size_t len;
    const char *bytes = source_text_line(text, start.line, &len);
    if (start.byte < len)
        start.byte += position_character(bytes + start.byte, bytes + len);
    return start;
}

struct text_range error_range(const struct source_text *text, const char *name, const cJSON *value,
                              enum position_encoding unit) {
    double lineno = json_get_number(value, "lineno", 1), offset = json_get_number(value, "offset", 0);
    double end_lineno = json_get_number(value, "end_lineno", 0), end_offset = json_get_number(value, "end_offset", 0);
    const char *filename = json_get_string(value, "filename");
    /* In 3.9 an error in an f-string has another filename and counts from the start of that string. */
    bool here = filename != NULL && strcmp(filename, name) == 0;
    if (!here || lineno < 1 || offset < 1)
        return error_range_of_line(text, here ? lineno : 1);
    struct text_range range;
    range.start = place_of(text, unit, lineno, offset);
    range.end = end_lineno >= 1 && end_offset >= 1 ? place_of(text, unit, end_lineno, end_offset) : range.start;
    if (range.end.line < range.start.line || (range.end.line == range.start.line && range.end.byte <= range.start.byte))
        range.end = one_character(text, range.start);
    return range;
}
