/* The state of one editor's session. */
#include "client/lsp/session.h"

#include <stdlib.h>
#include <string.h>

#include "client/lsp/uri.h"

void session_init(struct session *session, int in, int out) {
    *session = (struct session){.encoding = POSITION_UTF16, .status = 1};
    editor_init(&session->editor, in, out);
    daemon_link_init(&session->daemon);
    environment_init(&session->environment);
    settings_init(&session->settings);
    list_init(&session->documents);
    list_init(&session->files);
}

void session_deinit(struct session *session) {
    for (size_t i = 0; i < session->folder_count; i++)
        free(session->folders[i]);
    free(session->folders);
    session_recovered(session);
    settings_deinit(&session->settings);
    environment_deinit(&session->environment);
    daemon_link_deinit(&session->daemon);
    editor_deinit(&session->editor);
}

int session_request(struct session *session, enum request_kind kind, const char *method, cJSON *params) {
    int id = (int)(++session->last_request * REQUEST_KINDS + kind);
    editor_request(&session->editor, id, method, params);
    return id;
}

void session_choose_python(struct session *session) {
    const char *python = session->settings.python ? session->settings.python : session->environment.python;
    const char *folder = session->folder_count ? session->folders[0] : session->environment.cwd;
    daemon_link_set_python(&session->daemon, folder, python);
}

void session_complain(struct session *session, const struct daemon_answer *answer) {
    const char *text = answer->why ? answer->why : json_get_string(answer->error, "message");
    if (text == NULL || (session->refusal != NULL && strcmp(session->refusal, text) == 0))
        return;
    free(session->refusal);
    session->refusal = xstrdup(text);
    editor_show(&session->editor, EDITOR_ERROR, text);
}

void session_recovered(struct session *session) {
    free(session->refusal);
    session->refusal = NULL;
}

void session_add_folder(struct session *session, const char *uri) {
    char *path = uri ? uri_to_path(uri) : NULL;
    if (path == NULL)
        return;
    session->folders = xrealloc(session->folders, (session->folder_count + 1) * sizeof *session->folders);
    session->folders[session->folder_count++] = path;
}

void session_remove_folder(struct session *session, const char *uri) {
    char *path = uri ? uri_to_path(uri) : NULL;
    size_t kept = 0;
    for (size_t i = 0; i < session->folder_count; i++) {
        if (path != NULL && strcmp(session->folders[i], path) == 0)
            free(session->folders[i]);
        else
            session->folders[kept++] = session->folders[i];
    }
    session->folder_count = kept;
    free(path);
}
