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

static void require_same(const struct compile_request *a, const struct compile_request *b) {
    require(same_text(a->file, b->file) && same_text(a->cwd, b->cwd) && same_text(a->cfile, b->cfile));
    require(same_text(a->dfile, b->dfile) && same_text(a->source, b->source) && same_text(a->python, b->python));
    require(same_text(a->source_date_epoch, b->source_date_epoch) && same_text(a->pycache_prefix, b->pycache_prefix));
    require(a->optimize == b->optimize && a->invalidation_mode == b->invalidation_mode && a->umask == b->umask);
    require(a->legacy == b->legacy && a->force == b->force && a->write == b->write && a->trace == b->trace);
    require(a->priority == b->priority && a->timeout_ms == b->timeout_ms);
    require((a->warnings == NULL) == (b->warnings == NULL));
    require(a->warnings == NULL || cJSON_Compare(a->warnings, b->warnings, true));
}

static void check_params(struct json_span params) {
    struct compile_request request, again;
    struct search_request search;
    const char *error;
    char why[32]; /* short: names of members are cut, not written beyond */
    cJSON *tree = json_parse(params.text, params.len, &error);
    if (tree == NULL)
        return;
    if (compile_request_decode(tree, &request, why, sizeof why) < 0) {
        require(memchr(why, '\0', sizeof why) != NULL && why[0] != '\0');
    } else {
        compile_request_mode(&request);
        cJSON *encoded = compile_request_encode(&request);
        require(compile_request_decode(encoded, &again, why, sizeof why) == 0);
        require_same(&request, &again);
        cJSON_Delete(encoded);
    }
    if (search_request_decode(tree, &search, why, sizeof why) < 0)
        require(memchr(why, '\0', sizeof why) != NULL && why[0] != '\0');
    else
        require(search.pattern != NULL && cJSON_IsArray(search.strings));
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
    }
    free(text);
    return 0;
}
