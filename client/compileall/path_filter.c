/* See path_filter.h. */
#include "client/compileall/path_filter.h"

#include <string.h>

#include "base/clock.h"

#define DEADLINE_MS 120000

static void encode(const struct path_filter *filter, char *const *paths, size_t count, struct buffer *params) {
    buffer_append_string(params, "{\"python\":");
    json_print_string(filter->python, params);
    buffer_append_string(params, ",\"pattern\":");
    json_print_string(filter->pattern, params);
    buffer_append_string(params, ",\"strings\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_append_char(params, ',');
        json_print_string(paths[i], params);
    }
    buffer_append_string(params, "]}");
}

int path_filter_run(const struct path_filter *filter, char *const *paths, size_t count, bool *found, char **why) {
    struct buffer params = {0};
    encode(filter, paths, count, &params);
    cJSON *result = rpc_client_call(filter->client, "search", &params, clock_ms() + DEADLINE_MS, why);
    buffer_deinit(&params);
    if (result == NULL)
        return -1;
    if (count > 0)
        memset(found, 0, count * sizeof *found);
    const cJSON *index;
    cJSON_ArrayForEach(index, cJSON_GetObjectItemCaseSensitive(result, "found")) {
        if (cJSON_IsNumber(index) && index->valuedouble >= 0 && index->valuedouble < (double)count)
            found[(size_t)index->valuedouble] = true;
    }
    cJSON_Delete(result);
    return 0;
}
