/* Columns of an error are counted in characters or bytes, depending on whether CPython found the line. */
#include "host/ranges.h"

#include <string.h>

#include "proto/error_range.h"
#include "proto/json.h"
#include "proto/rpc.h"

/* The error's `exc_value`, or NULL: there is none, or it is of another kind. */
static cJSON *value_of(const struct answer *answer) {
    if (answer->result != NULL || answer->code != RPC_PY_COMPILE_ERROR)
        return NULL;
    return cJSON_GetObjectItemCaseSensitive(answer->data, "exc_value");
}

static void add_place(cJSON *range, const char *name, const struct source_text *text, struct text_place place) {
    static const enum position_encoding units[] = {POSITION_UTF8, POSITION_UTF16, POSITION_UTF32};
    size_t len;
    const char *line = source_text_line(text, place.line, &len);
    cJSON *item = cJSON_AddObjectToObject(range, name);
    cJSON_AddNumberToObject(item, "line", (double)place.line);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        cJSON_AddNumberToObject(item, position_encoding_name(units[i]),
                                (double)position_from_byte(units[i], line ? line : "", len, place.byte));
}

static void add_range(cJSON *object, const struct source_text *text, struct text_range range) {
    cJSON *item = cJSON_AddObjectToObject(object, "range");
    add_place(item, "start", text, range.start);
    add_place(item, "end", text, range.end);
}

static void add_to_warnings(cJSON *holder, const struct source_text *text, const char *name) {
    cJSON *warning;
    cJSON_ArrayForEach(warning, cJSON_GetObjectItemCaseSensitive(holder, "warnings")) {
        const char *filename = json_get_string(warning, "filename");
        if (filename != NULL && strcmp(filename, name) == 0)
            add_range(warning, text, error_range_of_line(text, json_get_number(warning, "lineno", 1)));
    }
}

bool ranges_are_ambiguous(const struct answer *answer, const char *source, size_t len) {
    const cJSON *value = value_of(answer);
    if (value == NULL || error_range_unit(value) == POSITION_UTF8)
        return false;
    struct source_text text = {0};
    source_text_set(&text, source, len);
    bool wide = error_range_is_wide(&text, value);
    source_text_deinit(&text);
    return wide;
}

enum position_encoding ranges_unit(const struct answer *answer) {
    const cJSON *value = value_of(answer);
    return value != NULL ? error_range_unit(value) : POSITION_UTF32;
}

void ranges_add(struct answer *answer, const char *source, size_t len, const char *name, enum position_encoding unit) {
    cJSON *holder = answer->result != NULL ? answer->result : answer->data, *value = value_of(answer);
    if (value == NULL && cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(holder, "warnings")) == 0)
        return;
    struct source_text text = {0};
    source_text_set(&text, source, len);
    if (value != NULL)
        add_range(answer->data, &text, error_range(&text, name, value, unit));
    add_to_warnings(holder, &text, name);
    source_text_deinit(&text);
}
