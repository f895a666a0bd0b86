/* See commands.h. */
#include "client/lsp/commands.h"

#include <stdlib.h>
#include <string.h>

#include "proto/rpc.h"

struct file_call {
    struct file_call *next;
    struct session *session;
    char *path;
    char *id;   /* of the editor's request; NULL: it was saved */
    bool again; /* it was saved meanwhile */
    int64_t call;
};

static void unlink_and_free(struct file_call *file) {
    struct file_call **at = &file->session->files;
    while (*at != file)
        at = &(*at)->next;
    *at = file->next;
    free(file->path);
    free(file->id);
    free(file);
}

void commands_free(struct session *session) {
    while (session->files != NULL)
        unlink_and_free(session->files);
}

static void start(struct file_call *file);

static const char *message_of(const struct link_answer *answer) {
    const char *message = json_get_string(answer->error, "message");
    return answer->why ? answer->why : message ? message : "failed";
}

static void log_failure(struct file_call *file, const struct link_answer *answer) {
    if (answer->error != NULL && json_get_number(answer->error, "code", 0) == RPC_PY_COMPILE_ERROR)
        return;
    char *text = xasprintf("%s: %s", file->path, message_of(answer));
    editor_log(&file->session->editor, EDITOR_WARNING, text);
    free(text);
}

/* Of an error in the source its text, as py_compile shows it. */
static void answer_request(struct file_call *file, const struct link_answer *answer) {
    struct editor *editor = &file->session->editor;
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(answer->error, "data");
    const char *text = json_get_string(data, "msg");
    if (answer->result != NULL)
        editor_result(editor, file->id, cJSON_Duplicate(answer->result, true));
    else
        editor_error(editor, file->id, LSP_REQUEST_FAILED, text ? text : message_of(answer), data);
}

static void on_answer(void *context, const struct link_answer *answer) {
    struct file_call *file = context;
    file->call = 0;
    if (file->id != NULL)
        answer_request(file, answer);
    else if (answer->result == NULL)
        log_failure(file, answer);
    if (file->again && answer->why == NULL) {
        file->again = false;
        start(file);
    } else {
        unlink_and_free(file);
    }
}

static void start(struct file_call *file) {
    struct session *session = file->session;
    struct compile_request request;
    settings_request(&session->settings, &session->environment, &request);
    request.file = file->path;
    request.priority = file->id ? PRIORITY_INTERACTIVE : PRIORITY_BACKGROUND;
    file->call = link_call(&session->link, "compile", compile_request_encode(&request), on_answer, file);
}

static void add(struct session *session, const char *path, const char *id) {
    struct file_call *file = xcalloc(1, sizeof *file);
    *file = (struct file_call){.next = session->files, .session = session};
    file->path = xstrdup(path);
    file->id = id ? xstrdup(id) : NULL;
    session->files = file;
    start(file);
}

void commands_compile_saved(struct session *session, const char *path) {
    for (struct file_call *file = session->files; file != NULL; file = file->next)
        if (file->id == NULL && strcmp(file->path, path) == 0) {
            file->again = true;
            return;
        }
    add(session, path, NULL);
}

void commands_compile_file(struct session *session, const char *path, const char *id) {
    add(session, path, id);
}

bool commands_cancel(struct session *session, const char *id) {
    struct file_call *file = session->files;
    while (file != NULL && (file->id == NULL || strcmp(file->id, id) != 0))
        file = file->next;
    if (file == NULL)
        return false;
    link_drop(&session->link, file->call);
    editor_error(&session->editor, id, RPC_REQUEST_CANCELLED, "cancelled", NULL);
    unlink_and_free(file);
    return true;
}
