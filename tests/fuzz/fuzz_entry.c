/* Fuzzes the reader of cache entries, which come from the disk or from a remote server: no input may make it read
 * outside, or give warnings that are not an array, and an entry that serves a name gives the same twice. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cache/entry.h"
#include "proto/json.h"
#include "tests/fuzz/deadline.h"

#define DEADLINE_MS 2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth) {
    if (!truth)
        abort();
}

static bool is_same(const cJSON *one, const cJSON *other) {
    struct buffer first = {0}, second = {0};
    json_print(one, &first);
    json_print(other, &second);
    bool same = first.len == second.len && memcmp(first.data, second.data, first.len) == 0;
    buffer_deinit(&first);
    buffer_deinit(&second);
    return same;
}

static void decode(const uint8_t *data, size_t size, const char *name) {
    struct buffer once = {0}, again = {0};
    cJSON *warnings = NULL, *more = NULL;
    bool serves = entry_decode(data, size, name, &once, &warnings);
    if (serves) {
        require(cJSON_IsArray(warnings));
        require(once.len <= size + strlen(name) + 5);
        require(entry_decode(data, size, name, &again, &more));
        require(again.len == once.len && (once.len == 0 || memcmp(again.data, once.data, once.len) == 0));
        require(is_same(warnings, more));
    }
    cJSON_Delete(serves ? warnings : NULL);
    cJSON_Delete(more);
    buffer_deinit(&once);
    buffer_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    long begin = deadline_cpu_ms();
    decode(data, size, "/a.py");
    decode(data, size, "/another/\xff/name/of/\xc3\xa9 some length.py");
    deadline_check(begin, DEADLINE_MS);
    return 0;
}
