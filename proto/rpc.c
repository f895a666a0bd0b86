/* Messages are taken apart as raw text by json_check.h; only the method is decoded. */
#include "proto/rpc.h"

#include <stdlib.h>
#include <string.h>

#include "base/place.h"

static const struct {
    int code;
    const char *name;
} code_names[] = {
    {RPC_PARSE_ERROR, "ParseError"},
    {RPC_INVALID_REQUEST, "InvalidRequest"},
    {RPC_METHOD_NOT_FOUND, "MethodNotFound"},
    {RPC_INVALID_PARAMS, "InvalidParams"},
    {RPC_INTERNAL_ERROR, "InternalError"},
    {RPC_PY_COMPILE_ERROR, "PyCompileError"},
    {RPC_OS_ERROR, "OSError"},
    {RPC_WORKER_CRASHED, "WorkerCrashed"},
    {RPC_TIMEOUT, "Timeout"},
    {RPC_UNAVAILABLE, "Unavailable"},
    {RPC_REQUEST_CANCELLED, "RequestCancelled"},
};

const char *rpc_code_name(int code) {
    for (size_t i = 0; i < sizeof code_names / sizeof *code_names; i++)
        if (code_names[i].code == code)
            return code_names[i].name;
    return "Error";
}

/* An id may be a string, a number or null (section 4 of the specification). */
static bool is_id(struct json_span value) {
    return value.len > 0 && value.text[0] != '{' && value.text[0] != '[' && value.text[0] != 't' &&
           value.text[0] != 'f';
}

/* The text of a JSON string, or NULL for another value. The caller frees. */
static char *string_of(struct json_span value) {
    if (value.len >= 2 && *value.text == '"' && memchr(value.text, '\\', value.len) == NULL)
        return xstrndup(value.text + 1, value.len - 2);
    const char *error;
    cJSON *tree = json_parse_checked(value.text, value.len, &error);
    char *text = cJSON_IsString(tree) ? xstrdup(tree->valuestring) : NULL;
    cJSON_Delete(tree);
    return text;
}

static int rpc_refuse(const char **why, const char *text) {
    *why = text;
    return RPC_INVALID_REQUEST;
}

static int rpc_take_id(struct rpc_message *message, struct json_span id, const char **why) {
    if (id.text == NULL)
        return 0;
    if (!is_id(id))
        return rpc_refuse(why, "'id' must be a string, a number or null");
    if (id.len > RPC_ID_MAX)
        return rpc_refuse(why, "'id' is longer than 4096 bytes");
    message->id = xstrndup(id.text, id.len);
    return 0;
}

static int rpc_take_method(struct rpc_message *message, struct json_span method, const char **why) {
    message->method = string_of(method);
    if (message->method == NULL)
        return rpc_refuse(why, "'method' must be a string");
    if (message->params.text != NULL && *message->params.text != '{' && *message->params.text != '[')
        return rpc_refuse(why, "'params' must be an object");
    return 0;
}

static int rpc_take_answer(const struct rpc_message *message, const char **why) {
    bool is_answer = message->id != NULL && (message->result.text != NULL) != (message->error.text != NULL);
    return is_answer ? 0 : rpc_refuse(why, "'method' is missing");
}

/* The members of a message, in the order of their names below. */
enum { ID, METHOD, JSONRPC, PARAMS, RESULT, ERROR, MEMBERS };
static const char *const member_names[MEMBERS] = {"id", "method", "jsonrpc", "params", "result", "error"};

int rpc_parse(const char *text, size_t len, struct rpc_message *message, const char **why) {
    *message = (struct rpc_message){0};
    *why = NULL;
    while (len > 0 && strchr(" \t\r\n", *text))
        text++, len--;
    if (len == 0 || *text != '{')
        return rpc_refuse(why, "a request is an object");
    struct json_span members[MEMBERS];
    json_members(text, len, member_names, members, MEMBERS);
    int code = rpc_take_id(message, members[ID], why);
    if (code != 0)
        return code;
    if (!json_span_is(members[JSONRPC], "\"2.0\""))
        return rpc_refuse(why, "'jsonrpc' must be \"2.0\"");
    if (!json_span_is(members[PARAMS], "null")) /* what eglot says for none */
        message->params = members[PARAMS];
    message->result = members[RESULT];
    message->error = members[ERROR];
    return members[METHOD].text != NULL ? rpc_take_method(message, members[METHOD], why)
                                        : rpc_take_answer(message, why);
}

char *rpc_refused_id(const char *text, size_t len, const struct json_limits *limits) {
    if (json_check_grammar(text, len, limits) != NULL)
        return NULL;
    struct json_span id = json_member(text, len, "id");
    bool is_fine = is_id(id) && id.len <= RPC_ID_MAX && json_check(id.text, id.len) == NULL;
    return is_fine ? xstrndup(id.text, id.len) : NULL;
}

void rpc_message_deinit(struct rpc_message *message) {
    free(message->id);
    free(message->method);
    *message = (struct rpc_message){0};
}

static void rpc_begin(struct buffer *out, const char *id) {
    buffer_append_string(out, "{\"jsonrpc\":\"2.0\"");
    if (id != NULL) {
        buffer_append_string(out, ",\"id\":");
        buffer_append_string(out, id);
    }
}

void rpc_write_request(struct buffer *out, const char *id, const char *method, const char *params, size_t params_len) {
    rpc_begin(out, id);
    buffer_append_string(out, ",\"method\":");
    json_print_string(method, out);
    if (params != NULL) {
        buffer_append_string(out, ",\"params\":");
        buffer_append(out, params, params_len);
    }
    buffer_append_char(out, '}');
}

void rpc_write_notification(struct buffer *out, const char *method, const char *params, size_t params_len) {
    rpc_write_request(out, NULL, method, params, params_len);
}

void rpc_write_result(struct buffer *out, const char *id, const char *result, size_t result_len) {
    rpc_begin(out, id ? id : "null");
    buffer_append_string(out, ",\"result\":");
    buffer_append(out, result, result_len);
    buffer_append_char(out, '}');
}

void rpc_write_raw_error(struct buffer *out, const char *id, const char *error, size_t error_len) {
    rpc_begin(out, id ? id : "null");
    buffer_append_string(out, ",\"error\":");
    buffer_append(out, error, error_len);
    buffer_append_char(out, '}');
}

void rpc_write_error(struct buffer *out, const char *id, int code, const char *message, const cJSON *data) {
    rpc_begin(out, id ? id : "null");
    buffer_printf(out, ",\"error\":{\"code\":%d,\"message\":", code);
    json_print_string(message, out);
    if (data != NULL) {
        buffer_append_string(out, ",\"data\":");
        json_print(data, out);
    }
    buffer_append_string(out, "}}");
}

cJSON *rpc_unavailable_data(const char *reason, bool retryable) {
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "reason", reason);
    cJSON_AddBoolToObject(data, "retryable", retryable);
    return data;
}

cJSON *rpc_foreign_data(const char *reason) {
    char *here = place_namespace();
    cJSON *data = rpc_unavailable_data(reason, true);
    cJSON_AddStringToObject(data, "namespace", here);
    free(here);
    return data;
}
