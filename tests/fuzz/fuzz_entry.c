/* Fuzzes the reader of cache entries, which come from the disk or from a remote server: no input may make it read
 * outside, or give warnings that are not an array or an error that is not of the name, and an entry that serves a name
 * gives the same twice. An input that is JSON is also taken as the data of an error: what is put in comes out. */
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

static void check_json(enum entry_kind kind, const cJSON *json, const char *name) {
    const char *file = kind == ENTRY_ERROR ? json_get_string(json, "file") : NULL;
    require(kind == ENTRY_CODE ? cJSON_IsArray(json) : file != NULL && strcmp(file, name) == 0);
}

static void decode(const uint8_t *data, size_t size, const char *name) {
    struct buffer once = {0}, again = {0};
    cJSON *json = NULL, *more = NULL;
    enum entry_kind kind = entry_decode(data, size, name, &once, &json);
    if (kind != ENTRY_NONE) {
        check_json(kind, json, name);
        require(once.len <= size + strlen(name) + 5);
        require(entry_decode(data, size, name, &again, &more) == kind);
        require(again.len == once.len && (once.len == 0 || memcmp(again.data, once.data, once.len) == 0));
        require(is_same(json, more));
    }
    cJSON_Delete(kind != ENTRY_NONE ? json : NULL);
    cJSON_Delete(more);
    buffer_deinit(&once);
    buffer_deinit(&again);
}

static void encode_error(const uint8_t *data, size_t size, const char *name) {
    const char *error;
    struct buffer entry = {0}, stream = {0};
    cJSON *put = json_parse((const char *)data, size, &error), *got = NULL;
    if (cJSON_IsObject(put)) {
        entry_encode(&(struct entry_outcome){.kind = ENTRY_ERROR, .name = name, .json = put}, &entry);
        enum entry_kind kind = entry_decode(entry.data, entry.len, name, &stream, &got);
        require(kind == ENTRY_NONE || (kind == ENTRY_ERROR && is_same(put, got)));
        cJSON_Delete(kind != ENTRY_NONE ? got : NULL);
    }
    cJSON_Delete(put);
    buffer_deinit(&entry);
    buffer_deinit(&stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    long begin = deadline_cpu_ms();
    decode(data, size, "/a.py");
    decode(data, size, "/another/\xff/name/of/\xc3\xa9 some length.py");
    encode_error(data, size, "/a.py");
    deadline_check(begin, DEADLINE_MS);
    return 0;
}
