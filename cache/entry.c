/* The layout of an entry: a head, the name to which the entry is bound (if it is), the warnings as JSON, the stream.
 * Warnings are stored without the code's file name, and their text without the same name at its start. */
#include "cache/entry.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cache/pyc_stream.h"
#include "proto/json.h"

struct entry_head {
    uint32_t bound_len; /* of the name; 0: not bound */
    uint32_t warnings_len;
    uint32_t name_start, name_end; /* in the stream */
    uint64_t stream_len;
};

/* Member of a stored warning, in place of `text` and `filename`: the part of the text behind the code's file name. */
#define REST "rest"

/* Takes the file name out of a warning. Whether that is possible: the name stands where it is expected. */
static bool warning_forget_name(cJSON *warning, const char *name) {
    const char *filename = json_get_string(warning, "filename"), *text = json_get_string(warning, "text");
    size_t len = strlen(name);
    if (filename == NULL)
        return true; /* the warning concerns no file */
    if (text == NULL || strcmp(filename, name) != 0 || strncmp(text, name, len) != 0)
        return false;
    cJSON_AddStringToObject(warning, REST, text + len);
    cJSON_DeleteItemFromObjectCaseSensitive(warning, "filename");
    cJSON_DeleteItemFromObjectCaseSensitive(warning, "text");
    return true;
}

static cJSON *warning_with_name(const cJSON *stored, const char *name) {
    cJSON *warning = cJSON_CreateObject();
    const cJSON *member;
    cJSON_ArrayForEach(member, stored) {
        if (strcmp(member->string, REST) == 0) {
            char *text = xasprintf("%s%s", name, cJSON_IsString(member) ? member->valuestring : "");
            cJSON_AddStringToObject(warning, "filename", name);
            cJSON_AddStringToObject(warning, "text", text);
            free(text);
        } else {
            cJSON_AddItemToObject(warning, member->string, cJSON_Duplicate(member, true));
        }
    }
    return warning;
}

/* Appends the warnings as they are stored. Whether they serve other names too. */
static bool entry_print_warnings(const struct entry_outcome *outcome, struct buffer *out) {
    if (cJSON_GetArraySize(outcome->warnings) == 0)
        return true;
    cJSON *copy = cJSON_Duplicate(outcome->warnings, true), *warning;
    bool exchangeable = true;
    cJSON_ArrayForEach(warning, copy)
        exchangeable = warning_forget_name(warning, outcome->name) && exchangeable;
    json_print(copy, out);
    cJSON_Delete(copy);
    return exchangeable;
}

/* Whether the name may be exchanged; sets where it stands. The compiler must have written it in the form that
 * pyc_stream_encode_name() gives. */
static bool entry_find_name(const struct entry_outcome *outcome, struct pyc_stream_name *place) {
    return outcome->len <= UINT32_MAX &&
           pyc_stream_find_name(outcome->stream, outcome->len, outcome->minor, place) == PYC_STREAM_FOUND &&
           pyc_stream_name_is(outcome->stream, place, outcome->name);
}

void entry_encode(const struct entry_outcome *outcome, struct buffer *entry) {
    struct buffer warnings = {0};
    struct pyc_stream_name place = {0};
    bool exchangeable = entry_print_warnings(outcome, &warnings) && entry_find_name(outcome, &place);
    struct entry_head head = {
        .bound_len = exchangeable ? 0 : (uint32_t)strlen(outcome->name),
        .warnings_len = (uint32_t)warnings.len,
        .name_start = (uint32_t)place.start,
        .name_end = (uint32_t)place.end,
        .stream_len = outcome->len,
    };
    buffer_reserve(entry, sizeof head + head.bound_len + warnings.len + outcome->len);
    buffer_append(entry, &head, sizeof head);
    buffer_append(entry, outcome->name, head.bound_len);
    buffer_append(entry, warnings.data, warnings.len);
    buffer_append(entry, outcome->stream, outcome->len);
    buffer_deinit(&warnings);
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

/* The warnings of an entry with the name put in; NULL: the text is not an array. */
static cJSON *entry_read_warnings(const char *text, size_t len, const char *name) {
    const char *error;
    cJSON *warnings = cJSON_CreateArray(), *stored = len > 0 ? json_parse(text, len, &error) : NULL;
    const cJSON *item;
    bool fine = len == 0 || cJSON_IsArray(stored);
    cJSON_ArrayForEach(item, stored)
        cJSON_AddItemToArray(warnings, warning_with_name(item, name));
    cJSON_Delete(stored);
    if (fine)
        return warnings;
    cJSON_Delete(warnings);
    return NULL;
}

bool entry_decode(const void *entry, size_t len, const char *name, struct buffer *stream, cJSON **warnings) {
    struct entry_head head;
    if (len < sizeof head)
        return false;
    memcpy(&head, entry, sizeof head);
    len -= sizeof head;
    if (head.bound_len > len || head.warnings_len > len - head.bound_len ||
        head.stream_len != len - head.bound_len - head.warnings_len)
        return false;
    const char *bound = (const char *)entry + sizeof head, *text = bound + head.bound_len,
               *code = text + head.warnings_len;
    if (head.bound_len > 0) {
        if (head.bound_len != strlen(name) || memcmp(bound, name, head.bound_len) != 0)
            return false;
        buffer_append(stream, code, head.stream_len);
    } else if (!entry_put_name(&head, code, name, stream)) {
        return false;
    }
    *warnings = entry_read_warnings(text, head.warnings_len, name);
    return *warnings != NULL;
}
