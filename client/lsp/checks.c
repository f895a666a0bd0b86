/* The checks of open documents. */
#include "client/lsp/checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/lsp/diagnostics.h"
#include "client/lsp/uri.h"
#include "proto/rpc.h"

/* The debounce time: a change waits this long for further changes, and all of them are checked together. */
#define SETTLE_MS 50

/* A request of the editor for the diagnostics of a document. */
struct pull {
    struct list link;
    char *id;       /* raw JSON text */
    char *previous; /* the result that the editor has, or NULL */
};

static struct document *document_of(struct list *link) {
    return list_entry(link, struct document, link);
}

static struct pull *pull_of(struct list *link) {
    return list_entry(link, struct pull, link);
}

struct document *checks_find(const struct session *session, const char *uri) {
    list_each(link, &session->documents) {
        if (strcmp(document_of(link)->uri, uri) == 0)
            return document_of(link);
    }
    return NULL;
}

static void pull_free(struct pull *pull) {
    list_remove(&pull->link);
    free(pull->id);
    free(pull->previous);
    free(pull);
}

static void document_free(struct document *document) {
    list_remove(&document->link);
    while (!list_empty(&document->pulls))
        pull_free(pull_of(document->pulls.next));
    if (document->call != 0)
        daemon_link_drop(&document->session->daemon, document->call);
    cJSON_Delete(document->diagnostics);
    source_text_deinit(&document->text);
    free(document->uri);
    free(document->path);
    free(document);
}

struct document *checks_open(struct session *session, const char *uri) {
    struct document *old = checks_find(session, uri), *document = xcalloc(1, sizeof *document);
    if (old != NULL)
        document_free(old);
    *document = (struct document){.session = session, .known = true};
    document->uri = xstrdup(uri);
    document->path = uri_to_path(uri);
    list_init(&document->pulls);
    list_prepend(&session->documents, &document->link);
    return document;
}

void checks_close_all(struct session *session) {
    while (!list_empty(&session->documents))
        document_free(document_of(session->documents.next));
}

static cJSON *document_diagnostics(const struct document *document) {
    return document->diagnostics ? cJSON_Duplicate(document->diagnostics, true) : cJSON_CreateArray();
}

/* Publishes an array of diagnostics, which is deleted. */
static void document_publish(const struct document *document, cJSON *diagnostics) {
    cJSON *params = cJSON_CreateObject();
    cJSON_AddStringToObject(params, "uri", document->uri);
    if (document->has_version)
        cJSON_AddNumberToObject(params, "version", document->version);
    cJSON_AddItemToObject(params, "diagnostics", diagnostics);
    editor_notify(&document->session->editor, "textDocument/publishDiagnostics", params);
}

static void document_fail_pulls(struct document *document, const char *why) {
    cJSON *data = cJSON_CreateObject();
    cJSON_AddBoolToObject(data, "retriggerRequest", false);
    while (!list_empty(&document->pulls)) {
        struct pull *pull = pull_of(document->pulls.next);
        editor_error(&document->session->editor, pull->id, LSP_SERVER_CANCELLED, why, data);
        pull_free(pull);
    }
    cJSON_Delete(data);
}

void checks_close(struct document *document) {
    document_fail_pulls(document, "the document was closed");
    document->has_version = false;
    if (!document->session->pulls)
        document_publish(document, cJSON_CreateArray());
    document_free(document);
}

/* Answers the requests that wait for the diagnostics, which are known. */
static void document_answer_pulls(struct document *document) {
    char name[24];
    snprintf(name, sizeof name, "%lu", document->shown);
    while (!list_empty(&document->pulls)) {
        struct pull *pull = pull_of(document->pulls.next);
        cJSON *result = cJSON_CreateObject();
        bool same = pull->previous != NULL && strcmp(pull->previous, name) == 0;
        cJSON_AddStringToObject(result, "kind", same ? "unchanged" : "full");
        cJSON_AddStringToObject(result, "resultId", name);
        if (!same)
            cJSON_AddItemToObject(result, "items", document_diagnostics(document));
        editor_result(&document->session->editor, pull->id, result);
        pull_free(pull);
    }
}

/* Takes the diagnostics of the newest edition. */
static void document_show(struct document *document, cJSON *diagnostics) {
    cJSON_Delete(document->diagnostics);
    document->diagnostics = diagnostics;
    document->shown = document->edition;
    if (!document->session->pulls)
        document_publish(document, document_diagnostics(document));
    document_answer_pulls(document);
}

/* The check failed. The document is checked again at its next change, save or request. */
static void document_check_failed(struct document *document, const struct daemon_answer *answer) {
    session_complain(document->session, answer);
    document->dirty = true;
    document->due = 0;
    document_fail_pulls(document, answer->why ? answer->why : "the check failed");
}

static void document_on_answer(void *context, const struct daemon_answer *answer) {
    struct document *document = context;
    document->call = 0;
    if (answer->why == NULL && document->asked != document->edition)
        return; /* the text has changed since */
    cJSON *diagnostics = NULL;
    if (answer->why == NULL)
        diagnostics = diagnostics_build(&document->text, document->session->encoding, answer->result, answer->error);
    if (diagnostics == NULL) {
        document_check_failed(document, answer);
        return;
    }
    session_recovered(document->session);
    document_show(document, diagnostics);
}

/* The text for the compiler: without a byte order mark. */
static const char *document_source(struct document *document) {
    const char *bytes = buffer_string(&document->text.bytes);
    return strncmp(bytes, "\xef\xbb\xbf", 3) == 0 ? bytes + 3 : bytes;
}

static void document_check(struct document *document) {
    struct session *session = document->session;
    struct compile_request request;
    settings_request(&session->settings, &session->environment, &request);
    request.file = document->path ? document->path : document->uri;
    request.dfile = DIAGNOSTICS_NAME;
    request.source = document_source(document);
    request.priority = PRIORITY_INTERACTIVE;
    document->dirty = false;
    document->due = 0;
    document->asked = document->edition;
    cJSON *params = compile_request_encode(&request);
    document->call = daemon_link_call(&session->daemon, "check", params, document_on_answer, document);
}

int64_t checks_start(struct session *session) {
    int64_t now = clock_ms(), next = 0;
    list_each(link, &session->documents) {
        struct document *document = document_of(link);
        if (document->due == 0 || document->call != 0)
            continue;
        if (document->due <= now)
            document_check(document);
        else if (next == 0 || document->due < next)
            next = document->due;
    }
    return next;
}

static void document_schedule(struct document *document, enum check_when when) {
    int64_t due = clock_ms() + (when == CHECK_SOON ? SETTLE_MS : 0);
    if (document->due == 0 || due < document->due)
        document->due = due;
}

void checks_changed(struct document *document, enum check_when when) {
    struct session *session = document->session;
    document->edition = ++session->editions;
    document->dirty = true;
    if (!session->pulls || !list_empty(&document->pulls))
        document_schedule(document, session->pulls ? CHECK_NOW : when);
}

void checks_saved(struct document *document) {
    if (document->dirty && document->known && !document->session->pulls)
        document_schedule(document, CHECK_NOW);
}

void checks_forget(struct document *document) {
    if (document->call != 0)
        daemon_link_drop(&document->session->daemon, document->call);
    document->call = document->due = 0;
    document->known = document->dirty = false;
    document->edition = ++document->session->editions;
    source_text_deinit(&document->text);
    document_show(document, NULL);
}

void checks_forget_all(struct session *session) {
    list_each(link, &session->documents) {
        if (document_of(link)->known)
            checks_forget(document_of(link));
    }
}

void checks_again(struct session *session) {
    list_each(link, &session->documents) {
        if (document_of(link)->known)
            checks_changed(document_of(link), CHECK_NOW);
    }
    if (session->pulls && session->refreshes)
        session_request(session, REQUEST_REFRESH, "workspace/diagnostic/refresh", cJSON_CreateNull());
}

void checks_pull(struct document *document, const char *id, const char *previous) {
    struct pull *pull = xcalloc(1, sizeof *pull);
    pull->id = xstrdup(id);
    pull->previous = previous ? xstrdup(previous) : NULL;
    list_append(&document->pulls, &pull->link);
    if (document->dirty)
        document_schedule(document, CHECK_NOW);
    else if (document->call == 0)
        document_answer_pulls(document);
}

static struct pull *document_find_pull(struct document *document, const char *id) {
    list_each(link, &document->pulls) {
        if (strcmp(pull_of(link)->id, id) == 0)
            return pull_of(link);
    }
    return NULL;
}

bool checks_cancel(struct session *session, const char *id) {
    list_each(link, &session->documents) {
        struct pull *pull = document_find_pull(document_of(link), id);
        if (pull == NULL)
            continue;
        editor_error(&session->editor, id, RPC_REQUEST_CANCELLED, "cancelled", NULL);
        pull_free(pull);
        return true;
    }
    return false;
}
