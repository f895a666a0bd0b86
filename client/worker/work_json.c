/* JSON by proto/json.h. `inputs` can be hundreds of kilobytes: the text is checked, but no tree is built of it. */
#include <stdlib.h>
#include <string.h>

#include "client/worker/work_message.h"
#include "proto/json.h"

/* The members that count: by the JSON name, and by the name in the protocol buffer, which readers must take too. */
enum work_json_member {
    MEMBER_ARGUMENTS,
    MEMBER_ID,
    MEMBER_ID_FIELD,
    MEMBER_CANCEL,
    MEMBER_SANDBOX,
    MEMBER_SANDBOX_FIELD,
    MEMBER_COUNT,
};

static const char *const work_json_names[MEMBER_COUNT] = {
    [MEMBER_ARGUMENTS] = "arguments", [MEMBER_ID] = "requestId",       [MEMBER_ID_FIELD] = "request_id",
    [MEMBER_CANCEL] = "cancel",       [MEMBER_SANDBOX] = "sandboxDir", [MEMBER_SANDBOX_FIELD] = "sandbox_dir",
};

/* The value as a tree, which the caller gives to cJSON_Delete(); NULL where it is absent or null. */
static cJSON *work_json_value(struct json_span span) {
    const char *why;
    if (span.text == NULL || json_span_is(span, "null"))
        return NULL;
    return json_parse_checked(span.text, span.len, &why);
}

static const char *work_json_read_id(const cJSON *id, struct work_request *request) {
    if (id == NULL)
        return NULL;
    if (!cJSON_IsNumber(id) || id->valuedouble < INT32_MIN || id->valuedouble > INT32_MAX ||
        id->valuedouble != (double)(int32_t)id->valuedouble)
        return "requestId is not a 32-bit integer";
    request->id = (int32_t)id->valuedouble;
    return NULL;
}

static const char *work_json_read_cancel(const cJSON *cancel, struct work_request *request) {
    if (cancel != NULL && !cJSON_IsBool(cancel))
        return "cancel is not a boolean";
    request->cancel = cJSON_IsTrue(cancel);
    return NULL;
}

static const char *work_json_read_sandbox(const cJSON *sandbox, struct work_request *request) {
    if (sandbox != NULL && !cJSON_IsString(sandbox))
        return "sandboxDir is not a string";
    if (sandbox != NULL && sandbox->valuestring[0] != '\0')
        request->sandbox_dir = xstrdup(sandbox->valuestring);
    return NULL;
}

static const char *work_json_read_arguments(const cJSON *arguments, struct work_request *request) {
    const cJSON *item;
    if (arguments != NULL && !cJSON_IsArray(arguments))
        return "arguments is not an array";
    cJSON_ArrayForEach(item, arguments) {
        if (!cJSON_IsString(item))
            return "an argument is not a string";
        work_request_add(request, item->valuestring, strlen(item->valuestring));
    }
    return NULL;
}

/* Reads one member into the request. Returns NULL or a sentence. */
typedef const char *work_json_reader(const cJSON *value, struct work_request *request);

static const char *work_json_apply(work_json_reader *read, struct json_span span, struct work_request *request) {
    cJSON *value = work_json_value(span);
    const char *why = read(value, request);
    cJSON_Delete(value);
    return why;
}

static struct json_span work_json_either(const struct json_span *found, enum work_json_member first,
                                         enum work_json_member second) {
    return found[found[first].text != NULL ? first : second];
}

const char *work_json_read(const char *text, size_t len, struct work_request *request) {
    struct json_span found[MEMBER_COUNT];
    *request = (struct work_request){0};
    const char *why = json_check(text, len);
    if (why != NULL)
        return why;
    json_members(text, len, work_json_names, found, MEMBER_COUNT);
    why = work_json_apply(work_json_read_id, work_json_either(found, MEMBER_ID, MEMBER_ID_FIELD), request);
    if (why == NULL)
        why = work_json_apply(work_json_read_cancel, found[MEMBER_CANCEL], request);
    if (why == NULL)
        why = work_json_apply(work_json_read_sandbox, work_json_either(found, MEMBER_SANDBOX, MEMBER_SANDBOX_FIELD),
                              request);
    if (why == NULL)
        why = work_json_apply(work_json_read_arguments, found[MEMBER_ARGUMENTS], request);
    return why;
}

void work_json_write(const struct work_response *response, struct buffer *out) {
    buffer_printf(out, "{\"exitCode\":%d,\"output\":", response->exit_code);
    json_print_string(response->output, out);
    if (response->id != 0)
        buffer_printf(out, ",\"requestId\":%d", response->id);
    buffer_append_string(out, response->was_cancelled ? ",\"wasCancelled\":true}\n" : "}\n");
}
