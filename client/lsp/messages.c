/* The table of methods, and when each of them is allowed. */
#include "client/lsp/messages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/lsp/checks.h"
#include "client/lsp/commands.h"
#include "client/lsp/document_messages.h"
#include "client/lsp/initialize.h"
#include "client/lsp/repair.h"
#include "client/lsp/uri.h"
#include "client/lsp/workspace_run.h"
#include "proto/rpc.h"

/* Handles a request or a notification (`id` NULL). Returns 0, or -EINVAL where `params` is not as the protocol says. */
typedef int handler(struct session *session, const char *id, const cJSON *params);

static int messages_on_shutdown(struct session *session, const char *id, const cJSON *params) {
    session->phase = PHASE_SHUT_DOWN;
    workspace_run_stop(session);
    editor_result(&session->editor, id, cJSON_CreateNull());
    return 0;
}

static int messages_on_exit(struct session *session, const char *id, const cJSON *params) {
    session->over = true;
    session->status = session->phase == PHASE_SHUT_DOWN ? 0 : 1;
    return 0;
}

static char *messages_raw_text(const cJSON *tree) {
    struct buffer text = {0};
    if (!cJSON_IsString(tree) && !cJSON_IsNumber(tree))
        return NULL;
    json_print(tree, &text);
    return buffer_string(&text);
}

/* Cancelling a request that is unknown or already answered is no error in the protocol: it is ignored. */
static int messages_on_cancel(struct session *session, const char *id, const cJSON *params) {
    char *other = messages_raw_text(cJSON_GetObjectItemCaseSensitive(params, "id"));
    if (other == NULL)
        return -EINVAL;
    if (!checks_cancel(session, other) && !commands_cancel(session, other))
        workspace_run_cancel(session, other, NULL);
    free(other);
    return 0;
}

static int messages_on_progress_cancel(struct session *session, const char *id, const cJSON *params) {
    char *token = messages_raw_text(cJSON_GetObjectItemCaseSensitive(params, "token"));
    if (token == NULL)
        return -EINVAL;
    workspace_run_cancel(session, NULL, token);
    free(token);
    return 0;
}

static int messages_compile_file(struct session *session, const char *id, const cJSON *arguments) {
    const char *uri = cJSON_GetStringValue(cJSON_GetArrayItem(arguments, 0));
    char *path = uri ? uri_to_path(uri) : NULL;
    if (path != NULL)
        commands_compile_file(session, path, id);
    free(path);
    return path ? 0 : -EINVAL;
}

static int messages_on_command(struct session *session, const char *id, const cJSON *params) {
    const char *command = json_get_string(params, "command");
    const cJSON *arguments = cJSON_GetObjectItemCaseSensitive(params, "arguments");
    if (command == NULL)
        return -EINVAL;
    if (strcmp(command, "pycompiled.compileFile") == 0)
        return messages_compile_file(session, id, arguments);
    if (strcmp(command, "pycompiled.compileWorkspace") != 0)
        return -EINVAL;
    char *token = messages_raw_text(cJSON_GetObjectItemCaseSensitive(params, "workDoneToken"));
    workspace_run_start(session, id, token, arguments && arguments->child ? arguments : NULL);
    free(token);
    return 0;
}

static int messages_ignore(struct session *session, const char *id, const cJSON *params) {
    return 0;
}

static const struct method {
    const char *name;
    bool is_request;
    handler *handle;
} messages_methods[] = {
    {"initialize", true, initialize},
    {"initialized", false, initialized},
    {"shutdown", true, messages_on_shutdown},
    {"exit", false, messages_on_exit},
    {"$/cancelRequest", false, messages_on_cancel},
    {"$/setTrace", false, messages_ignore},
    {"window/workDoneProgress/cancel", false, messages_on_progress_cancel},
    {"workspace/didChangeConfiguration", false, initialize_configuration_changed},
    {"workspace/didChangeWorkspaceFolders", false, initialize_folders_changed},
    {"workspace/executeCommand", true, messages_on_command},
    {"textDocument/didOpen", false, document_messages_opened},
    {"textDocument/didChange", false, document_messages_changed},
    {"textDocument/willSave", false, messages_ignore},
    {"textDocument/didSave", false, document_messages_saved},
    {"textDocument/didClose", false, document_messages_closed},
    {"textDocument/diagnostic", true, document_messages_pulled},
};

static const struct method *messages_find_method(const char *name, bool is_request) {
    for (size_t i = 0; i < sizeof messages_methods / sizeof *messages_methods; i++)
        if (messages_methods[i].is_request == is_request && strcmp(messages_methods[i].name, name) == 0)
            return &messages_methods[i];
    return NULL;
}

/* Whether the method may be called in this phase of the session. Returns NULL if so, else the reason, and sets *code to
 * the error's code. `method` is NULL for an unknown method. */
static const char *messages_refusal(const struct session *session, const struct method *method, int *code) {
    bool first = method != NULL && method->handle == initialize;
    if (method != NULL && method->handle == messages_on_exit)
        return NULL;
    *code = LSP_NOT_INITIALIZED;
    if (session->phase == PHASE_NEW)
        return first ? NULL : "'initialize' comes first";
    *code = RPC_INVALID_REQUEST;
    if (first)
        return "'initialize' comes once";
    return session->phase == PHASE_SHUT_DOWN ? "the server was shut down" : NULL;
}

static void messages_call(struct session *session, const struct method *method, const struct rpc_message *message) {
    const char *why = NULL;
    cJSON *params = message->params.text ? json_parse(message->params.text, message->params.len, &why) : NULL;
    if (method->handle(session, message->id, params) == 0) {
        cJSON_Delete(params);
        return;
    }
    cJSON_Delete(params);
    char *text = xasprintf("Invalid params of %s", method->name);
    if (message->id != NULL)
        editor_error(&session->editor, message->id, RPC_INVALID_PARAMS, text, NULL);
    else
        editor_log(&session->editor, EDITOR_WARNING, text);
    free(text);
}

static void messages_dispatch(struct session *session, const struct rpc_message *message) {
    const struct method *method = messages_find_method(message->method, message->id != NULL);
    int code;
    const char *why = messages_refusal(session, method, &code);
    if (why == NULL && method == NULL) {
        code = RPC_METHOD_NOT_FOUND;
        why = "Method not found";
    }
    if (why == NULL)
        messages_call(session, method, message);
    else if (message->id != NULL)
        editor_error(&session->editor, message->id, code, why, NULL);
}

static void messages_take_response(struct session *session, const struct rpc_message *message) {
    const char *why;
    long id = message->id ? strtol(message->id, NULL, 10) : 0;
    if (id <= 0)
        return;
    if (id % REQUEST_KINDS == REQUEST_PROGRESS)
        workspace_run_progress_made(session, message->id, message->error.text == NULL);
    if (id % REQUEST_KINDS == REQUEST_CONFIGURATION && message->result.text != NULL) {
        cJSON *result = json_parse(message->result.text, message->result.len, &why);
        initialize_configuration_came(session, result);
        cJSON_Delete(result);
    }
}

/* A message could not be read: answers with an error, and forgets the documents, since a change of one may be lost. */
static void messages_refuse(struct session *session, int code, const char *why) {
    editor_error(&session->editor, NULL, code, why, NULL);
    checks_forget_all(session);
}

/* Takes a text that has passed json_check(). */
static void messages_take_checked(struct session *session, const char *text, size_t len) {
    struct rpc_message message;
    const char *why;
    int code = rpc_parse(text, len, &message, &why);
    if (code != 0)
        editor_error(&session->editor, message.id, code, why, NULL);
    else if (message.method != NULL)
        messages_dispatch(session, &message);
    else
        messages_take_response(session, &message);
    rpc_message_deinit(&message);
}

static void messages_take_one(struct session *session, const char *text, size_t len) {
    struct buffer repaired = {0};
    const char *why = json_check(text, len);
    if (why != NULL) {
        repair_json(text, len, &repaired);
        text = repaired.data;
        len = repaired.len;
        why = json_check(text ? text : "", len);
    }
    if (why != NULL)
        messages_refuse(session, RPC_PARSE_ERROR, why);
    else
        messages_take_checked(session, text, len);
    buffer_deinit(&repaired);
}

void messages_take(struct session *session) {
    const char *text;
    size_t len;
    while (!session->over) {
        switch (frame_reader_next(&session->editor.reader, &text, &len)) {
        case FRAME_READY:
            messages_take_one(session, text, len);
            break;
        case FRAME_TOO_LONG:
            messages_refuse(session, RPC_INVALID_REQUEST, "the message is too long");
            break;
        case FRAME_BROKEN:
            messages_refuse(session, RPC_PARSE_ERROR, "a Content-Length header is expected");
            session->over = true;
            return;
        case FRAME_NONE:
            return;
        }
    }
}
