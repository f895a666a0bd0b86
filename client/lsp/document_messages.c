/* The protocol's methods about documents. */
#include "client/lsp/document_messages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/lsp/checks.h"
#include "client/lsp/commands.h"
#include "client/lsp/uri.h"

static const cJSON *document_member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* The URI in the parameters, or NULL. */
static const char *document_uri_in(const cJSON *params) {
    return json_get_string(document_member(params, "textDocument"), "uri");
}

/* The open document that the parameters name, or NULL. */
static struct document *document_named_in(const struct session *session, const cJSON *params) {
    const char *uri = document_uri_in(params);
    return uri ? checks_find(session, uri) : NULL;
}

static void document_take_version(struct document *document, const cJSON *params) {
    const cJSON *version = document_member(document_member(params, "textDocument"), "version");
    document->has_version = cJSON_IsNumber(version);
    document->version = document->has_version ? version->valuedouble : 0;
}

/* The document's text is lost: tells the user why it is not checked. */
static void document_give_up(struct document *document, const char *why) {
    char *text = xasprintf("%s: %s", document->uri, why);
    checks_forget(document);
    editor_show(&document->session->editor, EDITOR_WARNING, text);
    free(text);
}

/* Schedules a check of the new text, unless it is too large. */
static void document_text_changed(struct document *document, enum check_when when) {
    if (document->text.bytes.len > DOCUMENT_MAX)
        document_give_up(document, "too large to be checked");
    else if (document->known)
        checks_changed(document, when);
}

int document_messages_opened(struct session *session, const char *id, const cJSON *params) {
    const char *uri = document_uri_in(params), *text = json_get_string(document_member(params, "textDocument"), "text");
    if (uri == NULL || text == NULL)
        return -EINVAL;
    struct document *document = checks_open(session, uri);
    document_take_version(document, params);
    source_text_set(&document->text, text, strlen(text));
    document_text_changed(document, CHECK_NOW);
    return 0;
}

/* Returns 0, or -EINVAL if the object is not a position. */
static int document_take_position(const cJSON *object, struct source_position *position) {
    double line = json_get_number(object, "line", -1), column = json_get_number(object, "character", -1);
    if (!(line >= 0 && line < 1e15 && column >= 0 && column < 1e15))
        return -EINVAL;
    *position = (struct source_position){(size_t)line, (size_t)column};
    return 0;
}

/* Applies one change: an edit of a range, or the whole text. Returns 0, or -EINVAL where it is neither. */
static int document_apply(struct document *document, const cJSON *change) {
    const cJSON *range = document_member(change, "range");
    const char *text = json_get_string(change, "text");
    struct source_position start, end;
    if (text == NULL)
        return -EINVAL;
    if (range == NULL || cJSON_IsNull(range)) {
        source_text_set(&document->text, text, strlen(text));
        document->known = true;
        return 0;
    }
    if (document_take_position(document_member(range, "start"), &start) < 0 ||
        document_take_position(document_member(range, "end"), &end) < 0)
        return -EINVAL;
    if (document->known)
        source_text_edit(&document->text, document->session->encoding, start, end, text, strlen(text));
    return 0;
}

int document_messages_changed(struct session *session, const char *id, const cJSON *params) {
    struct document *document = document_named_in(session, params);
    const cJSON *change, *changes = document_member(params, "contentChanges");
    if (document == NULL || !cJSON_IsArray(changes))
        return -EINVAL;
    document_take_version(document, params);
    cJSON_ArrayForEach(change, changes) {
        if (document_apply(document, change) < 0) {
            document_give_up(document, "a change is not understood; close and open it to have it checked again");
            return -EINVAL;
        }
        if (document->text.bytes.len > DOCUMENT_MAX)
            break;
    }
    document_text_changed(document, CHECK_SOON);
    return 0;
}

int document_messages_saved(struct session *session, const char *id, const cJSON *params) {
    const char *uri = document_uri_in(params);
    struct document *document = document_named_in(session, params);
    if (uri == NULL)
        return -EINVAL;
    if (document != NULL)
        checks_saved(document);
    char *path = uri_to_path(uri);
    if (path != NULL && session->settings.compile_on_save)
        commands_compile_saved(session, path);
    free(path);
    return 0;
}

int document_messages_closed(struct session *session, const char *id, const cJSON *params) {
    struct document *document = document_named_in(session, params);
    if (document == NULL)
        return -EINVAL;
    checks_close(document);
    return 0;
}

int document_messages_pulled(struct session *session, const char *id, const cJSON *params) {
    struct document *document = document_named_in(session, params);
    if (document == NULL)
        return -EINVAL;
    checks_pull(document, id, json_get_string(params, "previousResultId"));
    return 0;
}
