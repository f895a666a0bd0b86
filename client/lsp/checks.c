/* See checks.h. */
#include "client/lsp/checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/lsp/diagnostics.h"
#include "client/lsp/uri.h"
#include "proto/rpc.h"

/* Changes that come so close upon each other are checked together. */
#define SETTLE_MS 50

struct document *checks_find(const struct session *session, const char *uri) {
    struct document *document = session->documents;
    while (document != NULL && strcmp(document->uri, uri) != 0)
        document = document->next;
    return document;
}

static void pull_free(struct pull *pull) {
    free(pull->id);
    free(pull->previous);
    free(pull);
}

static void document_free(struct document *document) {
    struct document **at = &document->session->documents;
    while (*at != document)
        at = &(*at)->next;
    *at = document->next;
    for (struct pull *pull; (pull = document->pulls) != NULL;) {
        document->pulls = pull->next;
        pull_free(pull);
    }
    if (document->call != 0)
        link_drop(&document->session->link, document->call);
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
    *document = (struct document){.next = session->documents, .session = session, .known = true};
    document->uri = xstrdup(uri);
    document->path = uri_to_path(uri);
    session->documents = document;
    return document;
}

void checks_close_all(struct session *session) {
    while (session->documents != NULL)
        document_free(session->documents);
}

static void publish(const struct document *document, const cJSON *diagnostics) {
    if (document->session->pulls)
        return;
    cJSON *params = cJSON_CreateObject();
    cJSON_AddStringToObject(params, "uri", document->uri);
    if (document->has_version)
        cJSON_AddNumberToObject(params, "version", document->version);
    cJSON_AddItemToObject(params, "diagnostics",
                          diagnostics ? cJSON_Duplicate(diagnostics, true) : cJSON_CreateArray());
    editor_notify(&document->session->editor, "textDocument/publishDiagnostics", params);
}

static void fail_pulls(struct document *document, int code, const char *why) {
    cJSON *data = cJSON_CreateObject();
    cJSON_AddBoolToObject(data, "retriggerRequest", false);
    for (struct pull *pull; (pull = document->pulls) != NULL;) {
        document->pulls = pull->next;
        editor_error(&document->session->editor, pull->id, code, why, code == LSP_SERVER_CANCELLED ? data : NULL);
        pull_free(pull);
    }
    cJSON_Delete(data);
}

void checks_close(struct document *document) {
    fail_pulls(document, LSP_SERVER_CANCELLED, "the document was closed");
    document->has_version = false;
    publish(document, NULL);
    document_free(document);
}

/* Answers what waits for the diagnostics, which are there. */
static void answer_pulls(struct document *document) {
    char name[24];
    snprintf(name, sizeof name, "%lu", document->shown);
    for (struct pull *pull; (pull = document->pulls) != NULL;) {
        cJSON *result = cJSON_CreateObject();
        bool same = pull->previous != NULL && strcmp(pull->previous, name) == 0;
        document->pulls = pull->next;
        cJSON_AddStringToObject(result, "kind", same ? "unchanged" : "full");
        cJSON_AddStringToObject(result, "resultId", name);
        if (!same)
            cJSON_AddItemToObject(result, "items",
                                  document->diagnostics ? cJSON_Duplicate(document->diagnostics, true)
                                                        : cJSON_CreateArray());
        editor_result(&document->session->editor, pull->id, result);
        pull_free(pull);
    }
}

static void show(struct document *document, cJSON *diagnostics) {
    cJSON_Delete(document->diagnostics);
    document->diagnostics = diagnostics;
    document->shown = document->edition;
    publish(document, diagnostics);
    answer_pulls(document);
}

/* It cannot be checked now: it will be tried again when something is done to it. */
static void fail(struct document *document, const struct link_answer *answer) {
    session_complain(document->session, answer);
    document->dirty = true;
    document->due = 0;
    fail_pulls(document, LSP_SERVER_CANCELLED, answer->why ? answer->why : "the check failed");
}

static void on_answer(void *context, const struct link_answer *answer) {
    struct document *document = context;
    document->call = 0;
    if (answer->why == NULL && document->asked != document->edition)
        return; /* it has changed since */
    cJSON *diagnostics = NULL;
    if (answer->why == NULL)
        diagnostics = diagnostics_build(&document->text, document->session->encoding, answer->result, answer->error);
    if (diagnostics == NULL) {
        fail(document, answer);
        return;
    }
    free(document->session->refusal);
    document->session->refusal = NULL;
    show(document, diagnostics);
}

/* The text as the compiler is to have it: without a byte order mark, which is no part of it. */
static const char *source_of(struct document *document) {
    const char *bytes = buffer_string(&document->text.bytes);
    return strncmp(bytes, "\xef\xbb\xbf", 3) == 0 ? bytes + 3 : bytes;
}

static void start(struct document *document) {
    struct session *session = document->session;
    struct compile_request request;
    settings_request(&session->settings, &session->environment, &request);
    request.file = document->path ? document->path : document->uri;
    request.dfile = DIAGNOSTICS_NAME;
    request.source = source_of(document);
    request.priority = PRIORITY_INTERACTIVE;
    document->dirty = false;
    document->due = 0;
    document->asked = document->edition;
    document->call = link_call(&session->link, "check", compile_request_encode(&request), on_answer, document);
}

int64_t checks_start(struct session *session) {
    int64_t now = clock_ms(), next = 0;
    for (struct document *document = session->documents; document != NULL; document = document->next) {
        if (document->due == 0 || document->call != 0)
            continue;
        if (document->due <= now)
            start(document);
        else if (next == 0 || document->due < next)
            next = document->due;
    }
    return next;
}

static void schedule(struct document *document, enum check_when when) {
    int64_t due = clock_ms() + (when == CHECK_SOON ? SETTLE_MS : 0);
    if (document->due == 0 || due < document->due)
        document->due = due;
}

void checks_changed(struct document *document, enum check_when when) {
    struct session *session = document->session;
    document->edition = ++session->editions;
    document->dirty = true;
    if (!session->pulls || document->pulls != NULL)
        schedule(document, session->pulls ? CHECK_NOW : when);
}

void checks_saved(struct document *document) {
    if (document->dirty && document->known && !document->session->pulls)
        schedule(document, CHECK_NOW);
}

void checks_forget(struct document *document) {
    if (document->call != 0)
        link_drop(&document->session->link, document->call);
    document->call = document->due = 0;
    document->known = document->dirty = false;
    document->edition = ++document->session->editions;
    source_text_deinit(&document->text);
    show(document, NULL);
}

void checks_again(struct session *session) {
    for (struct document *document = session->documents; document != NULL; document = document->next)
        if (document->known)
            checks_changed(document, CHECK_NOW);
    if (session->pulls && session->refreshes)
        session_request(session, REQUEST_REFRESH, "workspace/diagnostic/refresh", cJSON_CreateNull());
}

void checks_pull(struct document *document, const char *id, const char *previous) {
    struct pull *pull = xcalloc(1, sizeof *pull), **last = &document->pulls;
    pull->id = xstrdup(id);
    pull->previous = previous ? xstrdup(previous) : NULL;
    while (*last != NULL)
        last = &(*last)->next;
    *last = pull;
    if (document->dirty)
        schedule(document, CHECK_NOW);
    else if (document->call == 0)
        answer_pulls(document);
}

bool checks_cancel(struct session *session, const char *id) {
    for (struct document *document = session->documents; document != NULL; document = document->next)
        for (struct pull **at = &document->pulls; *at != NULL; at = &(*at)->next) {
            struct pull *pull = *at;
            if (strcmp(pull->id, id) != 0)
                continue;
            *at = pull->next;
            editor_error(&session->editor, id, RPC_REQUEST_CANCELLED, "cancelled", NULL);
            pull_free(pull);
            return true;
        }
    return false;
}
