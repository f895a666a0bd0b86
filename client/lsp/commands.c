/* Compiling of single files. */
#include "client/lsp/commands.h"

#include <stdlib.h>
#include <string.h>

#include "client/places.h"
#include "proto/rpc.h"

struct file_call {
    struct list link;
    struct session *session;
    char *path;
    char *id;   /* of the editor's request; NULL: the file was saved */
    bool again; /* the file was saved during the compile */
    int64_t call;
};

static struct file_call *file_call_of(struct list *link) {
    return list_entry(link, struct file_call, link);
}

static void file_call_free(struct file_call *file) {
    list_remove(&file->link);
    free(file->path);
    free(file->id);
    free(file);
}

void commands_free(struct session *session) {
    while (!list_empty(&session->files)) {
        struct file_call *file = file_call_of(session->files.next);
        daemon_link_drop(&session->daemon, file->call);
        file_call_free(file);
    }
}

static const char *file_call_message(const struct daemon_answer *answer) {
    const char *message = json_get_string(answer->error, "message");
    return answer->why ? answer->why : message ? message : "failed";
}

static void file_call_log(struct file_call *file, const struct daemon_answer *answer) {
    if (answer->error != NULL && json_get_number(answer->error, "code", 0) == RPC_PY_COMPILE_ERROR)
        return;
    char *text = xasprintf("%s: %s", file->path, file_call_message(answer));
    editor_log(&file->session->editor, EDITOR_WARNING, text);
    free(text);
}

/* Answers the editor's request. An error in the source is answered with py_compile's text. */
static void file_call_answer(struct file_call *file, const struct daemon_answer *answer) {
    struct editor *editor = &file->session->editor;
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(answer->error, "data");
    const char *text = json_get_string(data, "msg");
    if (answer->result != NULL)
        editor_result(editor, file->id, cJSON_Duplicate(answer->result, true));
    else
        editor_error(editor, file->id, LSP_REQUEST_FAILED, text ? text : file_call_message(answer), data);
}

static void file_call_start(struct file_call *file, daemon_done *done) {
    struct session *session = file->session;
    struct compile_request request;
    settings_request(&session->settings, &session->environment, &request);
    request.file = file->path;
    request.priority = file->id ? PRIORITY_INTERACTIVE : PRIORITY_BACKGROUND;
    file->call = daemon_link_call(&session->daemon, "compile", places_encode(&request), done, file);
}

static void file_call_on_answer(void *context, const struct daemon_answer *answer) {
    struct file_call *file = context;
    file->call = 0;
    if (file->id != NULL)
        file_call_answer(file, answer);
    else if (answer->result == NULL)
        file_call_log(file, answer);
    if (file->again && answer->why == NULL) {
        file->again = false;
        file_call_start(file, file_call_on_answer);
    } else {
        file_call_free(file);
    }
}

static void commands_add(struct session *session, const char *path, const char *id) {
    struct file_call *file = xcalloc(1, sizeof *file);
    *file = (struct file_call){.session = session};
    file->path = xstrdup(path);
    file->id = id ? xstrdup(id) : NULL;
    list_prepend(&session->files, &file->link);
    file_call_start(file, file_call_on_answer);
}

void commands_compile_saved(struct session *session, const char *path) {
    list_each(link, &session->files) {
        struct file_call *file = file_call_of(link);
        if (file->id == NULL && strcmp(file->path, path) == 0) {
            file->again = true;
            return;
        }
    }
    commands_add(session, path, NULL);
}

void commands_compile_file(struct session *session, const char *path, const char *id) {
    commands_add(session, path, id);
}

bool commands_cancel(struct session *session, const char *id) {
    list_each(link, &session->files) {
        struct file_call *file = file_call_of(link);
        if (file->id == NULL || strcmp(file->id, id) != 0)
            continue;
        daemon_link_drop(&session->daemon, file->call);
        editor_error(&session->editor, id, RPC_REQUEST_CANCELLED, "cancelled", NULL);
        file_call_free(file);
        return true;
    }
    return false;
}
