/* See diagnostics.h. */
#include "client/lsp/diagnostics.h"

#include <stdbool.h>
#include <string.h>

#include "proto/json.h"
#include "proto/rpc.h"

enum { SEVERITY_ERROR = 1, SEVERITY_WARNING = 2 };

/* A place in the text, in bytes of the line. */
struct place {
    size_t line;
    size_t byte;
};

struct context {
    const struct source_text *text;
    enum position_encoding encoding;
};

static void add_position(cJSON *range, const char *name, const struct context *c, struct place place) {
    size_t len;
    const char *line = source_text_line(c->text, place.line, &len);
    cJSON *position = cJSON_AddObjectToObject(range, name);
    cJSON_AddNumberToObject(position, "line", (double)place.line);
    cJSON_AddNumberToObject(position, "character",
                            (double)position_from_byte(c->encoding, line ? line : "", len, place.byte));
}

static cJSON *diagnostic(const struct context *c, struct place start, struct place end, int severity, const char *code,
                         const char *message) {
    cJSON *item = cJSON_CreateObject();
    cJSON *range = cJSON_AddObjectToObject(item, "range");
    add_position(range, "start", c, start);
    add_position(range, "end", c, end);
    cJSON_AddNumberToObject(item, "severity", severity);
    if (code != NULL)
        cJSON_AddStringToObject(item, "code", code);
    cJSON_AddStringToObject(item, "source", "pycompiled");
    cJSON_AddStringToObject(item, "message", message ? message : "");
    return item;
}

/* The text's line for a number that counts from 1, as near as there is one. */
static size_t line_of(const struct context *c, double lineno) {
    size_t last = source_text_lines(c->text) - 1;
    return !(lineno >= 1) ? 0 : lineno - 1 > (double)last ? last : (size_t)lineno - 1;
}

/* What is written on the line. */
static void whole_line(const struct context *c, size_t line, struct place *start, struct place *end) {
    size_t len, from = 0;
    const char *bytes = source_text_line(c->text, line, &len);
    while (len > 0 && strchr(" \t\f", bytes[len - 1]))
        len--;
    while (from < len && strchr(" \t\f", bytes[from]))
        from++;
    *start = (struct place){line, from};
    *end = (struct place){line, len};
}

/* A tokenizer's error that shows its line and yet counts bytes. */
static bool is_odd(const char *msg) {
    static const char zeros[] = "leading zeros in decimal integer literals";
    return msg != NULL && strncmp(msg, zeros, sizeof zeros - 1) == 0;
}

/* The parser counts characters, what comes behind it (the symbol table, the compiler) bytes; only the parser has the line
 * at hand. */
static enum position_encoding unit_of(const cJSON *value) {
    bool bytes = json_get_string(value, "text") == NULL || is_odd(json_get_string(value, "msg"));
    return bytes ? POSITION_UTF8 : POSITION_UTF32;
}

/* The place of a line and a column that both count from 1. A byte order mark is kept from the compiler. */
static struct place place_of(const struct context *c, enum position_encoding unit, double lineno, double offset) {
    size_t len, line = line_of(c, lineno);
    const char *bytes = source_text_line(c->text, line, &len);
    if (lineno > (double)source_text_lines(c->text))
        return (struct place){line, len};
    size_t mark = line == 0 && len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    size_t column = offset > (double)len ? len : (size_t)offset - 1;
    return (struct place){line, mark + position_to_byte(unit, bytes + mark, len - mark, column)};
}

/* CPython leaves the end out at times, or has it before the start: then one character is meant. */
static struct place one_character(const struct context *c, struct place start) {
    size_t len;
    const char *bytes = source_text_line(c->text, start.line, &len);
    if (start.byte < len)
        start.byte += position_character(bytes + start.byte, bytes + len);
    return start;
}

static void error_range(const struct context *c, const cJSON *value, struct place *start, struct place *end) {
    enum position_encoding unit = unit_of(value);
    double lineno = json_get_number(value, "lineno", 1), offset = json_get_number(value, "offset", 0);
    double end_lineno = json_get_number(value, "end_lineno", 0), end_offset = json_get_number(value, "end_offset", 0);
    const char *filename = json_get_string(value, "filename");
    bool here = filename != NULL && strcmp(filename, DIAGNOSTICS_NAME) == 0; /* else of an f-string alone (3.9) */
    if (!here || lineno < 1 || offset < 1) {
        whole_line(c, line_of(c, here ? lineno : 1), start, end);
        return;
    }
    *start = place_of(c, unit, lineno, offset);
    *end = end_lineno >= 1 && end_offset >= 1 ? place_of(c, unit, end_lineno, end_offset) : *start;
    if (end->line < start->line || (end->line == start->line && end->byte <= start->byte))
        *end = one_character(c, *start);
}

static void add_warnings(const struct context *c, const cJSON *holder, cJSON *all) {
    const cJSON *warning;
    cJSON_ArrayForEach(warning, cJSON_GetObjectItemCaseSensitive(holder, "warnings")) {
        struct place start, end;
        const char *category = json_get_string(warning, "category");
        whole_line(c, line_of(c, json_get_number(warning, "lineno", 1)), &start, &end);
        cJSON_AddItemToArray(all, diagnostic(c, start, end, SEVERITY_WARNING, category, json_get_string(warning, "message")));
    }
}

/* What says nothing of a place, of the text as a whole. */
static cJSON *on_first_line(const struct context *c, const char *code, const char *message) {
    struct place start, end;
    whole_line(c, 0, &start, &end);
    return diagnostic(c, start, end, SEVERITY_ERROR, code, message);
}

static cJSON *compile_error(const struct context *c, const cJSON *data) {
    struct place start, end;
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(data, "exc_value");
    error_range(c, value, &start, &end);
    return diagnostic(c, start, end, SEVERITY_ERROR, json_get_string(data, "exc_type_name"), json_get_string(value, "msg"));
}

static cJSON *error_item(const struct context *c, const cJSON *error) {
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(error, "data");
    int code = (int)json_get_number(error, "code", 0);
    switch (code) {
    case RPC_PY_COMPILE_ERROR:
        return compile_error(c, data);
    case RPC_WORKER_CRASHED:
    case RPC_TIMEOUT:
        return on_first_line(c, rpc_code_name(code), json_get_string(error, "message"));
    case RPC_INTERNAL_ERROR:
        return on_first_line(c, json_get_string(data, "exc_type_name"), json_get_string(error, "message"));
    default:
        return NULL;
    }
}

cJSON *diagnostics_build(const struct source_text *text, enum position_encoding encoding, const cJSON *result,
                         const cJSON *error) {
    struct context c = {text, encoding};
    cJSON *first = error ? error_item(&c, error) : NULL;
    if (error != NULL && first == NULL)
        return NULL;
    cJSON *all = cJSON_CreateArray();
    if (first != NULL)
        cJSON_AddItemToArray(all, first);
    add_warnings(&c, error ? cJSON_GetObjectItemCaseSensitive(error, "data") : result, all);
    return all;
}
