/* Conversion of a check's answer into diagnostics. */
#include "client/lsp/diagnostics.h"

#include <limits.h>

#include "proto/error_range.h"
#include "proto/json.h"
#include "proto/rpc.h"

enum { SEVERITY_ERROR = 1, SEVERITY_WARNING = 2 };

struct diagnostics_context {
    const struct source_text *text;
    enum position_encoding encoding;
};

static void diagnostics_add_position(cJSON *range, const char *name, const struct diagnostics_context *c,
                                     struct text_place place) {
    size_t len;
    const char *line = source_text_line(c->text, place.line, &len);
    cJSON *position = cJSON_AddObjectToObject(range, name);
    cJSON_AddNumberToObject(position, "line", (double)place.line);
    cJSON_AddNumberToObject(position, "character",
                            (double)position_from_byte(c->encoding, line ? line : "", len, place.byte));
}

static cJSON *diagnostics_item(const struct diagnostics_context *c, struct text_range place, int severity,
                               const char *code, const char *message) {
    cJSON *item = cJSON_CreateObject();
    cJSON *range = cJSON_AddObjectToObject(item, "range");
    diagnostics_add_position(range, "start", c, place.start);
    diagnostics_add_position(range, "end", c, place.end);
    cJSON_AddNumberToObject(item, "severity", severity);
    if (code != NULL)
        cJSON_AddStringToObject(item, "code", code);
    cJSON_AddStringToObject(item, "source", "pycompiled");
    cJSON_AddStringToObject(item, "message", message ? message : "");
    return item;
}

static void diagnostics_add_warnings(const struct diagnostics_context *c, const cJSON *holder, cJSON *all) {
    const cJSON *warning;
    cJSON_ArrayForEach(warning, cJSON_GetObjectItemCaseSensitive(holder, "warnings")) {
        struct text_range line = error_range_of_line(c->text, json_get_number(warning, "lineno", 1));
        cJSON_AddItemToArray(all, diagnostics_item(c, line, SEVERITY_WARNING, json_get_string(warning, "category"),
                                                   json_get_string(warning, "message")));
    }
}

/* An error of the text as a whole, without a place. */
static cJSON *diagnostics_on_first_line(const struct diagnostics_context *c, const char *code, const char *message) {
    return diagnostics_item(c, error_range_of_line(c->text, 1), SEVERITY_ERROR, code, message);
}

static cJSON *diagnostics_compile_error(const struct diagnostics_context *c, const cJSON *data) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(data, "exc_value");
    struct text_range range = error_range(c->text, DIAGNOSTICS_NAME, value, error_range_unit(value));
    return diagnostics_item(c, range, SEVERITY_ERROR, json_get_string(data, "exc_type_name"),
                            json_get_string(value, "msg"));
}

static cJSON *diagnostics_error(const struct diagnostics_context *c, const cJSON *error) {
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(error, "data");
    int code = (int)json_get_integer(error, "code", INT_MIN, INT_MAX, 0);
    switch (code) {
    case RPC_PY_COMPILE_ERROR:
        return diagnostics_compile_error(c, data);
    case RPC_WORKER_CRASHED:
    case RPC_TIMEOUT:
        return diagnostics_on_first_line(c, rpc_code_name(code), json_get_string(error, "message"));
    case RPC_INTERNAL_ERROR:
        return diagnostics_on_first_line(c, json_get_string(data, "exc_type_name"), json_get_string(error, "message"));
    default:
        return NULL;
    }
}

cJSON *diagnostics_build(const struct source_text *text, enum position_encoding encoding, const cJSON *result,
                         const cJSON *error) {
    struct diagnostics_context c = {text, encoding};
    cJSON *first = error ? diagnostics_error(&c, error) : NULL;
    if (error != NULL && first == NULL)
        return NULL;
    cJSON *all = cJSON_CreateArray();
    if (first != NULL)
        cJSON_AddItemToArray(all, first);
    diagnostics_add_warnings(&c, error ? cJSON_GetObjectItemCaseSensitive(error, "data") : result, all);
    return all;
}
