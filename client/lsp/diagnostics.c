/* See diagnostics.h. */
#include "client/lsp/diagnostics.h"

#include "proto/error_range.h"
#include "proto/json.h"
#include "proto/rpc.h"

enum { SEVERITY_ERROR = 1, SEVERITY_WARNING = 2 };

struct context {
    const struct source_text *text;
    enum position_encoding encoding;
};

static void add_position(cJSON *range, const char *name, const struct context *c, struct text_place place) {
    size_t len;
    const char *line = source_text_line(c->text, place.line, &len);
    cJSON *position = cJSON_AddObjectToObject(range, name);
    cJSON_AddNumberToObject(position, "line", (double)place.line);
    cJSON_AddNumberToObject(position, "character",
                            (double)position_from_byte(c->encoding, line ? line : "", len, place.byte));
}

static cJSON *diagnostic(const struct context *c, struct text_range place, int severity, const char *code,
                         const char *message) {
    cJSON *item = cJSON_CreateObject();
    cJSON *range = cJSON_AddObjectToObject(item, "range");
    add_position(range, "start", c, place.start);
    add_position(range, "end", c, place.end);
    cJSON_AddNumberToObject(item, "severity", severity);
    if (code != NULL)
        cJSON_AddStringToObject(item, "code", code);
    cJSON_AddStringToObject(item, "source", "pycompiled");
    cJSON_AddStringToObject(item, "message", message ? message : "");
    return item;
}

static void add_warnings(const struct context *c, const cJSON *holder, cJSON *all) {
    const cJSON *warning;
    cJSON_ArrayForEach(warning, cJSON_GetObjectItemCaseSensitive(holder, "warnings")) {
        struct text_range line = error_range_of_line(c->text, json_get_number(warning, "lineno", 1));
        cJSON_AddItemToArray(all, diagnostic(c, line, SEVERITY_WARNING, json_get_string(warning, "category"),
                                             json_get_string(warning, "message")));
    }
}

/* What says nothing of a place, of the text as a whole. */
static cJSON *on_first_line(const struct context *c, const char *code, const char *message) {
    return diagnostic(c, error_range_of_line(c->text, 1), SEVERITY_ERROR, code, message);
}

static cJSON *compile_error(const struct context *c, const cJSON *data) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(data, "exc_value");
    struct text_range range = error_range(c->text, DIAGNOSTICS_NAME, value, error_range_unit(value));
    return diagnostic(c, range, SEVERITY_ERROR, json_get_string(data, "exc_type_name"), json_get_string(value, "msg"));
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
