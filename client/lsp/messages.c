/* See messages.h. The life of the session is in initialize.c, documents are in document_messages.c. */
#include "client/lsp/messages.h"

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

/* A request's or a notification's parameters: `id` is NULL for the latter. Returns 0, or -1 where they are not as the
 * protocol has them. */
typedef int handler(struct session *session, const char *id, const cJSON *params);

static int on_shutdown(struct session *session, const char *id, const cJSON *params) {
    (void)params;
    session->phase = PHASE_SHUT_DOWN;
    workspace_run_stop(session);
    editor_result(&session->editor, id, cJSON_CreateNull());
    return 0;
}

static int on_exit_notification(struct session *session, const char *id, const cJSON *params) {
    (void)id;
    (void)params;
    session->over = true;
    session->status = session->phase == PHASE_SHUT_DOWN ? 0 : 1;
    return 0;
}

static char *raw_text(const cJSON *tree) {
    struct buffer text = {0};
    if (!cJSON_IsString(tree) && !cJSON_IsNumber(tree))
        return NULL;
    json_print(tree, &text);
    return buffer_string(&text);
}

/* Requests that are answered, and those that never were, are none of that id. */
static int on_cancel(struct session *session, const char *id, const cJSON *params) {
    (void)id;
    char *other = raw_text(cJSON_GetObjectItemCaseSensitive(params, "id"));
    if (other == NULL)
        return -1;
    if (!checks_cancel(session, other) && !commands_cancel(session, other))
        workspace_run_cancel(session, other, NULL);
    free(other);
    return 0;
}

static int on_progress_cancel(struct session *session, const char *id, const cJSON *params) {
    (void)id;
    char *token = raw_text(cJSON_GetObjectItemCaseSensitive(params, "token"));
    if (token == NULL)
        return -1;
    workspace_run_cancel(session, NULL, token);
    free(token);
    return 0;
}

static int compile_file(struct session *session, const char *id, const cJSON *arguments) {
    const char *uri = cJSON_GetStringValue(cJSON_GetArrayItem(arguments, 0));
    char *path = uri ? uri_to_path(uri) : NULL;
    if (path != NULL)
        commands_compile_file(session, path, id);
    free(path);
    return path ? 0 : -1;
}

static int on_command(struct session *session, const char *id, const cJSON *params) {
    const char *command = json_get_string(params, "command");
    const cJSON *arguments = cJSON_GetObjectItemCaseSensitive(params, "arguments");
    if (command == NULL)
        return -1;
    if (strcmp(command, "pycompiled.compileFile") == 0)
        return compile_file(session, id, arguments);
    if (strcmp(command, "pycompiled.compileWorkspace") != 0)
        return -1;
    char *token = raw_text(cJSON_GetObjectItemCaseSensitive(params, "workDoneToken"));
    workspace_run_start(session, id, token, arguments && arguments->child ? arguments : NULL);
    free(token);
    return 0;
}

static int ignore(struct session *session, const char *id, const cJSON *params) {
    (void)session;
    (void)id;
    (void)params;
    return 0;
}

static const struct method {
    const char *name;
    bool is_request;
    handler *handle;
} methods[] = {
    {"initialize", true, initialize},
    {"initialized", false, initialized},
    {"shutdown", true, on_shutdown},
    {"exit", false, on_exit_notification},
    {"$/cancelRequest", false, on_cancel},
    {"$/setTrace", false, ignore},
    {"window/workDoneProgress/cancel", false, on_progress_cancel},
    {"workspace/didChangeConfiguration", false, initialize_configuration_changed},
    {"workspace/didChangeWorkspaceFolders", false, initialize_folders_changed},
    {"workspace/executeCommand", true, on_command},
    {"textDocument/didOpen", false, document_opened},
    {"textDocument/didChange", false, document_changed},
    {"textDocument/willSave", false, ignore},
    {"textDocument/didSave", false, document_saved},
    {"textDocument/didClose", false, document_closed},
    {"textDocument/diagnostic", true, document_pulled},
};

static const struct method *find(const char *name, bool is_request) {
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (methods[i].is_request == is_request && strcmp(methods[i].name, name) == 0)
            return &methods[i];
    return NULL;
}

/* Whether a method may come now; else what to answer with. */
static bool may_come(const struct session *session, const struct method *method, int *code, const char **why) {
    bool first = method != NULL && method->handle == initialize;
    if (method != NULL && method->handle == on_exit_notification)
        return true;
    if (session->phase == PHASE_NEW && !first) {
        *code = LSP_NOT_INITIALIZED;
        *why = "'initialize' comes first";
    } else if (session->phase == PHASE_SHUT_DOWN || (first && session->phase != PHASE_NEW)) {
        *code = RPC_INVALID_REQUEST;
        *why = first ? "'initialize' comes once" : "the server was shut down";
    } else {
        return true;
    }
    return false;
}

static void call(struct session *session, const struct method *method, const struct rpc_message *message) {
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

static void dispatch(struct session *session, const struct rpc_message *message) {
    const struct method *method = find(message->method, message->id != NULL);
    const char *why = "Method not found";
    int code = RPC_METHOD_NOT_FOUND;
    bool comes = may_come(session, method, &code, &why);
    if (comes && method != NULL)
        call(session, method, message);
    else if (message->id != NULL)
        editor_error(&session->editor, message->id, code, why, NULL);
}

static void take_response(struct session *session, const struct rpc_message *message) {
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

void messages_refuse(struct session *session, const char *id, int code, const char *why) {
    editor_error(&session->editor, id, code, why, NULL);
    for (struct document *document = session->documents; document != NULL; document = document->next)
        if (document->known)
            checks_forget(document);
}

static void take_sound(struct session *session, const char *text, size_t len) {
    struct rpc_message message;
    const char *why;
    int code = rpc_parse(text, len, &message, &why);
    if (code != 0)
        editor_error(&session->editor, message.id, code, why, NULL);
    else if (message.method != NULL)
        dispatch(session, &message);
    else
        take_response(session, &message);
    rpc_message_deinit(&message);
}

void messages_take(struct session *session, const char *text, size_t len) {
    struct buffer repaired = {0};
    const char *why = json_check(text, len);
    if (why != NULL) {
        repair_json(text, len, &repaired);
        text = repaired.data;
        len = repaired.len;
        why = json_check(text ? text : "", len);
    }
    if (why != NULL)
        messages_refuse(session, NULL, RPC_PARSE_ERROR, why);
    else
        take_sound(session, text, len);
    buffer_deinit(&repaired);
}
