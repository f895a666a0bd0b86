/* The members of `compile` are decoded by its own table (proto/compile_request.h). */
#include "daemon/watch/watch_params.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/options.h"
#include "daemon/pool/interpreters.h"
#include "proto/rpc.h"

/* The path without slashes at its end and without doubled ones. */
static char *watch_params_clean_path(const char *text) {
    struct buffer path = {0};
    for (const char *at = text; *at != '\0'; at++)
        if (*at != '/' || (at[1] != '/' && at[1] != '\0') || at == text)
            buffer_append_char(&path, *at);
    return buffer_string(&path);
}

static int watch_params_take_paths(struct watch_params *params, const cJSON *paths, char **why) {
    const cJSON *item;
    if (!cJSON_IsArray(paths) || cJSON_GetArraySize(paths) == 0) {
        *why = xstrdup("'paths' must be an array of folders");
        return -EINVAL;
    }
    params->paths = xcalloc((size_t)cJSON_GetArraySize(paths), sizeof *params->paths);
    cJSON_ArrayForEach(item, paths) {
        if (!cJSON_IsString(item) || item->valuestring[0] != '/') {
            *why = xstrdup("'paths' must be absolute");
            return -EINVAL;
        }
        params->paths[params->path_count++] = watch_params_clean_path(item->valuestring);
    }
    return 0;
}

static int watch_params_take_places(struct watch_params *params, const cJSON *places, char **why) {
    const cJSON *item;
    if (places == NULL)
        return 0;
    if (!cJSON_IsArray(places) || (size_t)cJSON_GetArraySize(places) > params->path_count) {
        *why = xstrdup("'places' must be an array of strings, of one for each path at most");
        return -EINVAL;
    }
    params->places = xcalloc((size_t)cJSON_GetArraySize(places) + 1, sizeof *params->places);
    cJSON_ArrayForEach(item, places) {
        if (!cJSON_IsString(item)) {
            *why = xstrdup("'places' must be an array of strings");
            return -EINVAL;
        }
        params->places[params->place_count++] = xstrdup(item->valuestring);
    }
    return 0;
}

/* Takes the members of `watch` itself out of the tree; those of `compile` are left. */
static int watch_params_take_own(struct watch_params *params, cJSON *tree, char **why) {
    cJSON *paths = cJSON_DetachItemFromObjectCaseSensitive(tree, "paths");
    cJSON *initial = cJSON_DetachItemFromObjectCaseSensitive(tree, "initial");
    cJSON *places = cJSON_DetachItemFromObjectCaseSensitive(tree, "places");
    int result = watch_params_take_paths(params, paths, why);
    if (result == 0)
        result = watch_params_take_places(params, places, why);
    if (result == 0 && initial != NULL && !cJSON_IsBool(initial)) {
        *why = xstrdup("'initial' must be true or false");
        result = -EINVAL;
    }
    params->initial = cJSON_IsTrue(initial);
    cJSON_Delete(paths);
    cJSON_Delete(initial);
    cJSON_Delete(places);
    return result;
}

/* {"a":1} becomes ,"a":1 */
static char *watch_params_print_members(const cJSON *tree) {
    struct buffer text = {0};
    json_print(tree, &text);
    buffer_string(&text);
    text.data[text.len - 1] = '\0';
    if (text.len > 2)
        *text.data = ',';
    char *members = xstrdup(text.len > 2 ? text.data : "");
    buffer_deinit(&text);
    return members;
}

static int watch_params_take_compile(struct watch_params *params, const struct interpreters *interpreters,
                                     const struct options *options, cJSON *tree, char **why) {
    struct compile_request request;
    if (compile_request_decode_watch(tree, &request, why) < 0)
        return RPC_INVALID_PARAMS;
    *why = interpreters_refuse(interpreters, request.python);
    if (*why != NULL)
        return RPC_UNAVAILABLE;
    params->python = request.python ? xstrdup(request.python) : NULL;
    params->timeout_ms = request.timeout_ms >= 0 ? (unsigned)request.timeout_ms : options->job_timeout_ms;
    params->asks_cache = options->cache != NULL && request.cache == CACHE_USE;
    params->priority = (enum priority)request.priority;
    params->members = watch_params_print_members(tree);
    return 0;
}

int watch_params_read(struct watch_params *params, const struct interpreters *interpreters,
                      const struct options *options, struct json_span span, char **why) {
    const char *error = "an object is needed";
    *params = (struct watch_params){0};
    cJSON *tree = span.text ? json_parse(span.text, span.len, &error) : NULL;
    int code = RPC_INVALID_PARAMS;
    if (!cJSON_IsObject(tree))
        *why = xstrdup(error);
    else if (watch_params_take_own(params, tree, why) == 0)
        code = watch_params_take_compile(params, interpreters, options, tree, why);
    cJSON_Delete(tree);
    return code;
}

void watch_params_deinit(struct watch_params *params) {
    for (size_t i = 0; i < params->path_count; i++)
        free(params->paths[i]);
    free(params->paths);
    for (size_t i = 0; i < params->place_count; i++)
        free(params->places[i]);
    free(params->places);
    free(params->members);
    free(params->python);
    *params = (struct watch_params){0};
}

size_t watch_params_size(const struct watch_params *params) {
    size_t size = strlen(params->members) + 1;
    for (size_t i = 0; i < params->path_count; i++)
        size += sizeof *params->paths + strlen(params->paths[i]) + 1;
    for (size_t i = 0; i < params->place_count; i++)
        size += sizeof *params->places + strlen(params->places[i]) + 1;
    return size;
}

void watch_params_of_job(const struct watch_params *params, const char *file, bool force, struct buffer *out) {
    buffer_append_string(out, "{\"file\":");
    json_print_string(file, out);
    if (!force)
        buffer_append_string(out, ",\"force\":false");
    buffer_append_string(out, params->members);
    buffer_append_char(out, '}');
}
