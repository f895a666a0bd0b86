/* The command pycompiled.compileWorkspace. */
#include "client/lsp/workspace_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/lsp/source_files.h"
#include "client/lsp/uri.h"
#include "client/places.h"
#include "proto/rpc.h"

/* Limits: compiles under way, folders that are read in one step, errors in the result. */
#define WINDOW 64
#define FOLDERS_A_STEP 16
#define ERRORS_MAX 100
/* The time between two progress reports. */
#define REPORT_MS 100

enum run_progress { PROGRESS_NONE, PROGRESS_ASKED, PROGRESS_SHOWN };

struct run_item {
    struct workspace_run *run;
    char *path;
    int64_t call; /* 0: this slot is free */
};

struct workspace_run {
    struct session *session;
    char *id;
    char *token;
    int token_request; /* the request that creates the token */
    enum run_progress progress;
    int64_t reported;
    struct source_files files;
    bool all_found;
    struct run_item window[WINDOW];
    size_t under_way;
    size_t compiled, up_to_date, failed;
    cJSON *errors;
};

static void run_report(struct workspace_run *run, const char *kind, bool begin, const char *message) {
    if (run->progress != PROGRESS_SHOWN)
        return;
    cJSON *params = cJSON_CreateObject(), *value = cJSON_CreateObject();
    cJSON_AddItemToObject(params, "token", cJSON_CreateRaw(run->token));
    cJSON_AddItemToObject(params, "value", value);
    cJSON_AddStringToObject(value, "kind", kind);
    if (begin) {
        cJSON_AddStringToObject(value, "title", "Compiling the workspace");
        cJSON_AddTrueToObject(value, "cancellable");
    }
    if (message != NULL)
        cJSON_AddStringToObject(value, "message", message);
    editor_notify(&run->session->editor, "$/progress", params);
    run->reported = clock_ms();
}

static size_t run_done(const struct workspace_run *run) {
    return run->compiled + run->up_to_date + run->failed;
}

static void run_report_counts(struct workspace_run *run, const char *kind) {
    char text[96];
    snprintf(text, sizeof text, "%zu files, %zu failed", run_done(run), run->failed);
    run_report(run, kind, false, text);
}

void workspace_run_free(struct session *session) {
    struct workspace_run *run = session->run;
    if (run == NULL)
        return;
    session->run = NULL;
    for (size_t i = 0; i < WINDOW; i++)
        if (run->window[i].call != 0) {
            daemon_link_drop(&session->daemon, run->window[i].call);
            free(run->window[i].path);
        }
    source_files_deinit(&run->files);
    cJSON_Delete(run->errors);
    free(run->id);
    free(run->token);
    free(run);
}

static void run_note_error(struct workspace_run *run, const char *path, const struct daemon_answer *answer) {
    const char *message = answer->why ? answer->why : json_get_string(answer->error, "message");
    const char *text = json_get_string(cJSON_GetObjectItemCaseSensitive(answer->error, "data"), "msg");
    run->failed++;
    if (cJSON_GetArraySize(run->errors) >= ERRORS_MAX)
        return;
    char *uri = uri_from_path(path);
    cJSON *error = cJSON_CreateObject();
    cJSON_AddStringToObject(error, "uri", uri);
    json_add_string_or_null(error, "message", text ? text : message);
    cJSON_AddItemToArray(run->errors, error);
    free(uri);
}

static void run_on_answer(void *context, const struct daemon_answer *answer) {
    struct run_item *item = context;
    struct workspace_run *run = item->run;
    const char *outcome = json_get_string(answer->result, "outcome");
    if (answer->result == NULL)
        run_note_error(run, item->path, answer);
    else if (outcome != NULL && strcmp(outcome, "up-to-date") == 0)
        run->up_to_date++;
    else
        run->compiled++;
    free(item->path);
    *item = (struct run_item){.run = run};
    run->under_way--;
    if (answer->why != NULL) { /* there is no daemon: the remaining files would fail too */
        run->all_found = true;
        session_complain(run->session, answer);
    }
}

static void run_compile(struct workspace_run *run, struct run_item *item, char *path) {
    struct session *session = run->session;
    struct compile_request request;
    settings_request(&session->settings, &session->environment, &request);
    request.file = item->path = path;
    request.force = false;
    request.priority = PRIORITY_BACKGROUND;
    item->call = daemon_link_call(&session->daemon, "compile", places_encode(&request), run_on_answer, item);
    run->under_way++;
}

static struct run_item *run_free_item(struct workspace_run *run) {
    for (size_t i = 0; i < WINDOW; i++)
        if (run->window[i].call == 0)
            return &run->window[i];
    return NULL;
}

/* Starts as many compiles as may be under way. Returns false if it has stopped early to let the loop do other work. */
static bool run_fill_window(struct workspace_run *run) {
    for (int folders = 0; folders < FOLDERS_A_STEP && !run->all_found;) {
        struct run_item *item = run_free_item(run);
        char *path;
        if (item == NULL)
            return true;
        switch (source_files_next(&run->files, &path)) {
        case SOURCE_FILES_READY:
            run_compile(run, item, path);
            break;
        case SOURCE_FILES_MORE:
            folders++;
            break;
        case SOURCE_FILES_END:
            run->all_found = true;
            break;
        }
    }
    return run->all_found;
}

static void run_finish(struct workspace_run *run) {
    cJSON *result = cJSON_CreateObject();
    cJSON_AddNumberToObject(result, "files", (double)run_done(run));
    cJSON_AddNumberToObject(result, "compiled", (double)run->compiled);
    cJSON_AddNumberToObject(result, "upToDate", (double)run->up_to_date);
    cJSON_AddNumberToObject(result, "failed", (double)run->failed);
    cJSON_AddItemToObject(result, "errors", cJSON_Duplicate(run->errors, true));
    run_report_counts(run, "end");
    editor_result(&run->session->editor, run->id, result);
    workspace_run_free(run->session);
}

bool workspace_run_step(struct session *session) {
    struct workspace_run *run = session->run;
    if (run == NULL)
        return false;
    bool full = run_fill_window(run);
    /* Progress ends only after it has begun: before that the editor must have answered whether it shows progress. */
    if (run->all_found && run->under_way == 0 && run->progress != PROGRESS_ASKED)
        run_finish(run);
    else if (clock_ms() - run->reported >= REPORT_MS)
        run_report_counts(run, "report");
    return !full;
}

static void run_ask_for_token(struct workspace_run *run) {
    char text[48];
    snprintf(text, sizeof text, "\"pycompiled-%d\"", run->session->last_request + 1);
    run->token = xstrdup(text);
    cJSON *params = cJSON_CreateObject();
    cJSON_AddItemToObject(params, "token", cJSON_CreateRaw(text));
    run->token_request = session_request(run->session, REQUEST_PROGRESS, "window/workDoneProgress/create", params);
    run->progress = PROGRESS_ASKED;
}

static void run_begin_progress(struct workspace_run *run) {
    run->progress = PROGRESS_SHOWN;
    run_report(run, "begin", true, NULL);
}

void workspace_run_progress_made(struct session *session, const char *id, bool made) {
    char wanted[16];
    if (session->run == NULL || session->run->progress != PROGRESS_ASKED)
        return;
    snprintf(wanted, sizeof wanted, "%d", session->run->token_request);
    if (strcmp(wanted, id) != 0)
        return;
    session->run->progress = PROGRESS_NONE;
    if (made)
        run_begin_progress(session->run);
}

static void run_add_folders(struct workspace_run *run, const cJSON *folders) {
    const struct session *session = run->session;
    const cJSON *uri;
    for (size_t i = session->folder_count; folders == NULL && i-- > 0;)
        source_files_add(&run->files, session->folders[i]);
    cJSON_ArrayForEach(uri, folders) {
        char *path = cJSON_IsString(uri) ? uri_to_path(uri->valuestring) : NULL;
        if (path != NULL)
            source_files_add(&run->files, path);
        free(path);
    }
}

void workspace_run_start(struct session *session, const char *id, const char *token, const cJSON *folders) {
    if (session->run != NULL) {
        editor_error(&session->editor, id, LSP_REQUEST_FAILED, "the workspace is being compiled already", NULL);
        return;
    }
    struct workspace_run *run = xcalloc(1, sizeof *run);
    *run = (struct workspace_run){
        .session = session, .id = xstrdup(id), .errors = cJSON_CreateArray(), .reported = clock_ms()};
    for (size_t i = 0; i < WINDOW; i++)
        run->window[i].run = run;
    session->run = run;
    run_add_folders(run, folders);
    if (token != NULL) {
        run->token = xstrdup(token);
        run_begin_progress(run);
    } else if (session->asks_progress) {
        run_ask_for_token(run);
    }
}

static bool run_same_text(const char *a, const char *b) {
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

void workspace_run_cancel(struct session *session, const char *id, const char *token) {
    if (session->run != NULL && (run_same_text(session->run->id, id) || run_same_text(session->run->token, token)))
        workspace_run_stop(session);
}

void workspace_run_stop(struct session *session) {
    struct workspace_run *run = session->run;
    if (run == NULL)
        return;
    run_report(run, "end", false, "cancelled");
    editor_error(&session->editor, run->id, RPC_REQUEST_CANCELLED, "cancelled", NULL);
    workspace_run_free(session);
}
