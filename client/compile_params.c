/* A common JSON text, to which the members of one file are added. */
#include "client/compile_params.h"

#include <stddef.h>

#include "client/places.h"
#include "proto/json.h"

void compile_params_init(struct compile_params *params, const struct compile_request *shared) {
    struct compile_request request = *shared;
    *params = (struct compile_params){.cfile = shared->cfile, .pycache_prefix = shared->pycache_prefix};
    request.file = request.dfile = NULL;
    request.optimize = -1;
    cJSON *tree = compile_request_encode(&request);
    json_print(tree, &params->shared);
    cJSON_Delete(tree);
    params->shared.len--; /* without the brace */
    if (params->shared.len > 1)
        buffer_append_char(&params->shared, ',');
}

static void compile_params_append_places(const struct compile_params *params, const char *file, struct buffer *out) {
    struct compile_request request = {.file = file, .cfile = params->cfile, .pycache_prefix = params->pycache_prefix};
    cJSON *places = places_of(&request);
    buffer_append_string(out, ",\"places\":");
    json_print(places, out);
    cJSON_Delete(places);
}

void compile_params_deinit(struct compile_params *params) {
    buffer_deinit(&params->shared);
}

void compile_params_append(const struct compile_params *params, const char *file, const char *dfile, int optimize,
                           const char *place, struct buffer *out) {
    buffer_append(out, params->shared.data, params->shared.len);
    buffer_append_string(out, "\"file\":");
    json_print_string(file, out);
    if (dfile != NULL) {
        buffer_append_string(out, ",\"dfile\":");
        json_print_string(dfile, out);
    }
    if (optimize != -1)
        buffer_printf(out, ",\"optimize\":%d", optimize);
    compile_params_append_places(params, place ? place : file, out);
    buffer_append_char(out, '}');
}
