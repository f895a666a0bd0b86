/* The layout of an entry: a head, the name to which the entry is bound (if it is), the JSON, the stream. The JSON is of
 * the form that cache/nameless.h makes. */
#include "cache/entry.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cache/nameless.h"
#include "cache/pyc_stream.h"
#include "proto/json.h"

struct entry_head {
    uint32_t kind;
    uint32_t bound_len; /* of the name; 0: not bound */
    uint32_t json_len;
    uint32_t name_start, name_end; /* in the stream */
    uint32_t reserved;
    uint64_t stream_len;
};

/* Appends the JSON as it is stored. Whether it serves other names too. */
static bool entry_print_json(const struct entry_outcome *outcome, struct buffer *out) {
    if (outcome->kind == ENTRY_CODE && cJSON_GetArraySize(outcome->json) == 0)
        return true;
    cJSON *copy = cJSON_Duplicate(outcome->json, true);
    bool exchangeable =
        outcome->kind == ENTRY_ERROR ? nameless_error(copy, outcome->name) : nameless_warnings(copy, outcome->name);
    json_print(copy, out);
    cJSON_Delete(copy);
    return exchangeable;
}

/* Whether the name may be exchanged; sets where it stands. The compiler must have written it in the form that
 * pyc_stream_encode_name() gives. */
static bool entry_find_name(const struct entry_outcome *outcome, struct pyc_stream_name *place) {
    if (outcome->kind == ENTRY_ERROR)
        return true;
    return outcome->len <= UINT32_MAX &&
           pyc_stream_find_name(outcome->stream, outcome->len, outcome->minor, place) == PYC_STREAM_FOUND &&
           pyc_stream_name_is(outcome->stream, place, outcome->name);
}

void entry_encode(const struct entry_outcome *outcome, struct buffer *entry) {
    struct buffer json = {0};
    struct pyc_stream_name place = {0};
    bool exchangeable = entry_print_json(outcome, &json) && entry_find_name(outcome, &place);
    struct entry_head head = {
        .kind = outcome->kind,
        .bound_len = exchangeable ? 0 : (uint32_t)strlen(outcome->name),
        .json_len = (uint32_t)json.len,
        .name_start = (uint32_t)place.start,
        .name_end = (uint32_t)place.end,
        .stream_len = outcome->len,
    };
    buffer_reserve(entry, sizeof head + head.bound_len + json.len + outcome->len);
    buffer_append(entry, &head, sizeof head);
    buffer_append(entry, outcome->name, head.bound_len);
    buffer_append(entry, json.data, json.len);
    buffer_append(entry, outcome->stream, outcome->len);
    buffer_deinit(&json);
}

static bool entry_put_name(const struct entry_head *head, const char *stream, const char *name, struct buffer *out) {
    const struct pyc_stream_name place = {.start = head->name_start, .end = head->name_end};
    if (place.start >= place.end || place.end > head->stream_len)
        return false;
    if (pyc_stream_name_is(stream, &place, name)) {
        buffer_append(out, stream, head->stream_len);
        return true;
    }
    return pyc_stream_splice(stream, head->stream_len, &place, name, out);
}

/* The JSON of an entry with the name put in; NULL: it is not of the entry's kind. */
static cJSON *entry_read_json(enum entry_kind kind, const char *text, size_t len, const char *name) {
    const char *error;
    if (kind == ENTRY_CODE && len == 0)
        return cJSON_CreateArray();
    cJSON *stored = json_parse(text, len, &error);
    cJSON *json = kind == ENTRY_ERROR ? nameless_error_for(stored, name) : nameless_warnings_for(stored, name);
    cJSON_Delete(stored);
    return json;
}

/* Whether the head can be that of an entry whose other parts have `len` bytes. */
static bool entry_head_fits(const struct entry_head *head, size_t len) {
    bool is_kind = head->kind == ENTRY_CODE || (head->kind == ENTRY_ERROR && head->stream_len == 0);
    return is_kind && head->bound_len <= len && head->json_len <= len - head->bound_len &&
           head->stream_len == len - head->bound_len - head->json_len;
}

enum entry_kind entry_decode(const void *entry, size_t len, const char *name, struct buffer *stream, cJSON **json) {
    struct entry_head head;
    if (len < sizeof head)
        return ENTRY_NONE;
    memcpy(&head, entry, sizeof head);
    if (!entry_head_fits(&head, len - sizeof head))
        return ENTRY_NONE;
    const char *bound = (const char *)entry + sizeof head, *text = bound + head.bound_len, *code = text + head.json_len;
    if (head.bound_len > 0 && (head.bound_len != strlen(name) || memcmp(bound, name, head.bound_len) != 0))
        return ENTRY_NONE;
    if (head.bound_len > 0)
        buffer_append(stream, code, head.stream_len);
    else if (head.kind == ENTRY_CODE && !entry_put_name(&head, code, name, stream))
        return ENTRY_NONE;
    *json = entry_read_json((enum entry_kind)head.kind, text, head.json_len, name);
    return *json != NULL ? (enum entry_kind)head.kind : ENTRY_NONE;
}
