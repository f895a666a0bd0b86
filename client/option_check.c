/* An empty source is compiled with the options; its warnings without a category are about the options. */
#include "client/option_check.h"

#include <stdlib.h>
#include <string.h>

#define WAIT_MS 60000

bool option_check_is_needed(const cJSON *warnings) {
    static const char *const actions[] = {"default", "error", "ignore", "always", "module", "once"};
    const cJSON *option;
    cJSON_ArrayForEach(option, warnings) {
        size_t i = 0, count = sizeof actions / sizeof *actions;
        while (i < count && strcmp(option->valuestring, actions[i]) != 0)
            i++;
        if (i == count)
            return true;
    }
    return false;
}

cJSON *option_check(struct run_link *link, const struct compile_request *request, char **why) {
    struct compile_request nothing = *request;
    struct buffer params = {0};
    if (run_link_open(link, why) < 0)
        return NULL;
    nothing.file = "<string>";
    nothing.cfile = nothing.dfile = NULL;
    nothing.source = "";
    nothing.write = false;
    cJSON *tree = compile_request_encode(&nothing);
    json_print(tree, &params);
    cJSON_Delete(tree);
    cJSON *result = run_link_call(link, "compile", &params, WAIT_MS, why);
    buffer_deinit(&params);
    free(*why);
    *why = NULL;
    return result;
}
