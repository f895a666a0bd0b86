/* A program of the build: prints the parameters that the tables of the requests describe, as one JSON object with an
 * array for each of "compile", "check", "search" and "watch" (of a watch, those that are a compile's).
 * tools/fill-openrpc puts them into openrpc.json.in. */
#include <stdio.h>

#include "proto/compile_request.h"
#include "proto/json.h"
#include "proto/schema_describe.h"
#include "proto/search_request.h"

/* Those of the rows that bear one of the marks; marks 0: all of them. */
static cJSON *describe_rows(const struct schema_field *rows, size_t count, unsigned marks, const void *presets) {
    cJSON *params = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++)
        if (marks == 0 || rows[i].marks & marks)
            cJSON_AddItemToArray(params, schema_describe(&rows[i], presets));
    return params;
}

static cJSON *describe_compile(unsigned marks, const struct compile_request *presets) {
    return describe_rows(compile_parameters, compile_parameter_count, marks, presets);
}

static cJSON *describe_search(void) {
    struct search_request presets = {0};
    schema_init(search_parameters, search_parameter_count, &presets);
    return describe_rows(search_parameters, search_parameter_count, 0, &presets);
}

static cJSON *describe_all(void) {
    struct compile_request presets, presets_watch;
    compile_request_init(&presets);
    compile_request_init_watch(&presets_watch);
    cJSON *methods = cJSON_CreateObject();
    cJSON_AddItemToObject(methods, "compile", describe_compile(0, &presets));
    cJSON_AddItemToObject(methods, "check", describe_compile(0, &presets));
    cJSON_AddItemToObject(methods, "search", describe_search());
    cJSON_AddItemToObject(methods, "watch", describe_compile(COMPILE_SCOPE_ANY, &presets_watch));
    return methods;
}

int main(void) {
    cJSON *methods = describe_all();
    struct buffer text = {0};
    json_print(methods, &text);
    puts(buffer_string(&text));
    buffer_deinit(&text);
    cJSON_Delete(methods);
    return ferror(stdout) || fflush(stdout) != 0;
}
