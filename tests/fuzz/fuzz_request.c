/* Fuzzes proto/rpc and proto/compile_request: parameters that are decoded, encoded and decoded again stay the same; an
 * id comes back in an answer unchanged. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/compile_request.h"
#include "proto/rpc.h"
#include "proto/search_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth) {
    if (!truth)
        abort();
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_value(const struct schema_field *row, const void *a, const void *b) {
    switch (row->type) {
    case SCHEMA_STRING:
        return same_text(*(const char *const *)a, *(const char *const *)b);
    case SCHEMA_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case SCHEMA_INT:
    case SCHEMA_CHOICE:
        return *(const int *)a == *(const int *)b;
    case SCHEMA_STRINGS:
        return *(const cJSON *const *)a == NULL
                   ? *(const cJSON *const *)b == NULL
                   : cJSON_Compare(*(const cJSON *const *)a, *(const cJSON *const *)b, true);
    }
    return false;
}

static void require_same(const struct compile_request *a, const struct compile_request *b) {
    for (size_t i = 0; i < compile_parameter_count; i++) {
        const struct schema_field *row = &compile_parameters[i];
        require(same_value(row, (const char *)a + row->offset, (const char *)b + row->offset));
    }
}

static void check_watch(const cJSON *tree) {
    struct compile_request request;
    char *why = NULL;
    if (compile_request_decode_watch(tree, &request, &why) < 0)
        require(why != NULL && why[0] != '\0');
    else
        require(request.file == NULL && request.source == NULL && request.write);
    free(why);
}

/* A text that is refused, yet names its request: the answer with that id is JSON. */
static void check_refused(const char *text, size_t size) {
    static const struct json_limits limits = {JSON_DEPTH_MAX, SIZE_MAX};
    char *id = rpc_refused_id(text, size, &limits);
    require(id == NULL || (json_check(id, strlen(id)) == NULL && strlen(id) <= RPC_ID_MAX));
    free(id);
}

static void check_params(struct json_span params) {
    struct compile_request request, again;
    struct search_request search;
    const char *error;
    char *why = NULL;
    cJSON *tree = json_parse(params.text, params.len, &error);
    if (tree == NULL)
        return;
    if (compile_request_decode(tree, &request, &why) < 0) {
        require(why != NULL && why[0] != '\0');
        free(why);
        why = NULL;
    } else {
        compile_request_mode(&request);
        cJSON *encoded = compile_request_encode(&request);
        require(compile_request_decode(encoded, &again, &why) == 0);
        require_same(&request, &again);
        cJSON_Delete(encoded);
    }
    check_watch(tree);
    if (search_request_decode(tree, &search, &why) < 0)
        require(why != NULL && why[0] != '\0');
    else
        require(search.pattern != NULL && cJSON_IsArray(search.strings));
    free(why);
    cJSON_Delete(tree);
}

static void check_answer(const char *id) {
    struct buffer text = {0};
    struct rpc_message answer;
    const char *why;
    rpc_write_result(&text, id, "{}", 2);
    require(json_check(text.data, text.len) == NULL);
    require(rpc_parse(text.data, text.len, &answer, &why) == 0);
    require(strcmp(answer.id, id) == 0 && answer.method == NULL && answer.result.len == 2);
    rpc_message_deinit(&answer);
    buffer_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (size > 0)
        memcpy(text, data, size);
    if (json_check(text, size) == NULL) {
        struct rpc_message message;
        const char *why = NULL;
        int status = rpc_parse(text, size, &message, &why);
        require((status == 0) == (why == NULL));
        if (status == 0 && message.method != NULL && message.params.text != NULL)
            check_params(message.params);
        if (message.id != NULL)
            check_answer(message.id);
        rpc_message_deinit(&message);
    } else {
        check_refused(text, size);
    }
    free(text);
    return 0;
}
