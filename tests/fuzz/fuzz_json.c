/* Fuzzes proto/json: the parser accepts exactly the texts that the checker accepts; a printed tree is read back as the
 * same tree; members found in the text are those of the tree. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth) {
    if (!truth)
        abort();
}

static void count_element(struct json_span element, void *context) {
    require(json_check(element.text, element.len) == NULL);
    ++*(int *)context;
}

/* json_member() finds the last of a name; the tree is searched for it from the end. */
static void check_members(const cJSON *object, const char *text, size_t len) {
    for (const cJSON *item = object->child; item != NULL; item = item->next) {
        struct json_span found = json_member(text, len, item->string);
        const cJSON *last = item;
        const char *error;
        for (const cJSON *later = item->next; later != NULL; later = later->next)
            if (strcmp(later->string, item->string) == 0)
                last = later;
        if (found.text == NULL) /* a name that is written with escapes */
            continue;
        cJSON *value = json_parse(found.text, found.len, &error);
        require(value != NULL);
        require(cJSON_Compare(value, last, true));
        cJSON_Delete(value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1); /* of just that size: reading beyond is found */
    const char *error;
    if (size > 0)
        memcpy(text, data, size);
    const char *why = json_check(text, size);
    cJSON *tree = json_parse(text, size, &error);
    require((tree == NULL) == (error != NULL));
    require(why == NULL || tree == NULL);
    if (tree != NULL) {
        struct buffer once = {0}, twice = {0};
        json_print(tree, &once);
        require(json_check(once.data, once.len) == NULL);
        require(memchr(once.data, '\n', once.len) == NULL);
        cJSON *again = json_parse(once.data, once.len, &error);
        require(again != NULL);
        json_print(again, &twice);
        require(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
        if (cJSON_IsArray(again)) {
            int count = 0;
            json_each_element(once.data, once.len, count_element, &count);
            require(count == cJSON_GetArraySize(again));
        } else if (cJSON_IsObject(again)) {
            check_members(again, once.data, once.len);
        }
        cJSON_Delete(again);
        buffer_deinit(&once);
        buffer_deinit(&twice);
    }
    cJSON_Delete(tree);
    free(text);
    return 0;
}
