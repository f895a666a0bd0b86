/* See document_messages.h. */
#include "client/lsp/document_messages.h"

#include <stdlib.h>
#include <string.h>

#include "client/lsp/checks.h"
#include "client/lsp/commands.h"
#include "client/lsp/uri.h"

static const cJSON *get(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *uri_of(const cJSON *params) {
    return json_get_string(get(params, "textDocument"), "uri");
}

static struct document *find(const struct session *session, const cJSON *params) {
    const char *uri = uri_of(params);
    return uri ? checks_find(session, uri) : NULL;
}

static void take_version(struct document *document, const cJSON *params) {
    const cJSON *version = get(get(params, "textDocument"), "version");
    document->has_version = cJSON_IsNumber(version);
    document->version = document->has_version ? version->valuedouble : 0;
}

static void forget(struct document *document, const char *why) {
    char *text = xasprintf("%s: %s", document->uri, why);
    checks_forget(document);
    editor_show(&document->session->editor, EDITOR_WARNING, text);
    free(text);
}

/* Where the document is not too large, has it checked. */
static void changed(struct document *document, enum check_when when) {
    if (document->text.bytes.len > DOCUMENT_MAX)
        forget(document, "too large to be checked");
    else if (document->known)
        checks_changed(document, when);
}

int document_opened(struct session *session, const char *id, const cJSON *params) {
    (void)id;
    const char *uri = uri_of(params), *text = json_get_string(get(params, "textDocument"), "text");
    if (uri == NULL || text == NULL)
        return -1;
    struct document *document = checks_open(session, uri);
    take_version(document, params);
    source_text_set(&document->text, text, strlen(text));
    changed(document, CHECK_NOW);
    return 0;
}

static bool take_position(const cJSON *object, struct source_position *position) {
    double line = json_get_number(object, "line", -1), column = json_get_number(object, "character", -1);
    if (!(line >= 0 && line < 1e15 && column >= 0 && column < 1e15))
        return false;
    *position = (struct source_position){(size_t)line, (size_t)column};
    return true;
}

static bool apply(struct document *document, const cJSON *change) {
    const cJSON *range = get(change, "range");
    const char *text = json_get_string(change, "text");
    struct source_position start, end;
    if (text == NULL)
        return false;
    if (range == NULL || cJSON_IsNull(range)) {
        source_text_set(&document->text, text, strlen(text));
        document->known = true;
        return true;
    }
    if (!take_position(get(range, "start"), &start) || !take_position(get(range, "end"), &end))
        return false;
    if (document->known)
        source_text_edit(&document->text, document->session->encoding, start, end, text, strlen(text));
    return true;
}

int document_changed(struct session *session, const char *id, const cJSON *params) {
    (void)id;
    struct document *document = find(session, params);
    const cJSON *change, *changes = get(params, "contentChanges");
    if (document == NULL || !cJSON_IsArray(changes))
        return -1;
    take_version(document, params);
    cJSON_ArrayForEach(change, changes) {
        if (!apply(document, change)) {
            forget(document, "a change is not understood; close and open it to have it checked again");
            return -1;
        }
        if (document->text.bytes.len > DOCUMENT_MAX)
            break;
    }
    changed(document, CHECK_SOON);
    return 0;
}

int document_saved(struct session *session, const char *id, const cJSON *params) {
    (void)id;
    const char *uri = uri_of(params);
    struct document *document = find(session, params);
    if (uri == NULL)
        return -1;
    if (document != NULL)
        checks_saved(document);
    char *path = uri_to_path(uri);
    if (path != NULL && session->settings.compile_on_save)
        commands_compile_saved(session, path);
    free(path);
    return 0;
}

int document_closed(struct session *session, const char *id, const cJSON *params) {
    (void)id;
    struct document *document = find(session, params);
    if (document == NULL)
        return -1;
    checks_close(document);
    return 0;
}

int document_pulled(struct session *session, const char *id, const cJSON *params) {
    struct document *document = find(session, params);
    if (document == NULL)
        return -1;
    checks_pull(document, id, json_get_string(params, "previousResultId"));
    return 0;
}
