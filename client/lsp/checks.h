/* The open documents, and the checks of their texts: when a document is checked, and what becomes of the answer. An
 * answer counts only if the text has not changed meanwhile. Diagnostics are published, or kept for requests of an
 * editor that pulls them. */
#pragma once

#include <stdint.h>

#include "client/lsp/session.h"
#include "proto/source_text.h"

/* The largest document that is checked, in bytes. */
#define DOCUMENT_MAX (16u << 20)

struct document {
    struct list link;
    struct session *session;
    char *uri;
    char *path; /* NULL: it has none, such as an untitled buffer */
    struct source_text text;
    bool known;     /* false: the text was too large, or changes were lost */
    double version; /* the editor's */
    bool has_version;
    unsigned long edition; /* changes with the text and with the settings; unique in the session */
    bool dirty;            /* this edition has not been checked */
    int64_t due;           /* when it is to be checked, on clock_ms(); 0: not scheduled */
    int64_t call;          /* the check under way; 0: none */
    unsigned long asked;   /* the edition of that check */
    cJSON *diagnostics;    /* of the edition `shown`, or NULL */
    unsigned long shown;
    struct list pulls; /* requests that wait for its diagnostics */
};

/* When to check after a change: after the debounce time, or at once. */
enum check_when { CHECK_SOON, CHECK_NOW };

/* Returns the open document, or NULL. */
struct document *checks_find(const struct session *session, const char *uri);

/* Opens a document, and drops an open one of that URI. Its text is empty: the caller sets it. */
struct document *checks_open(struct session *session, const char *uri);

/* Closes a document and withdraws its diagnostics. */
void checks_close(struct document *document);

/* Frees all documents and sends nothing to the editor. */
void checks_close_all(struct session *session);

/* The text of the document has changed. */
void checks_changed(struct document *document, enum check_when when);

/* The document was saved: a check that waits is made at once. */
void checks_saved(struct document *document);

/* Changes of the text were lost, or the text is too large. The document has no diagnostics until the editor sends its
 * whole text again. */
void checks_forget(struct document *document);
void checks_forget_all(struct session *session);

/* The settings, on which diagnostics depend, have changed. */
void checks_again(struct session *session);

/* Answers a request for the diagnostics of a document as soon as they are known. `id` is raw JSON text; `previous` is
 * the resultId that the editor has, or NULL. */
void checks_pull(struct document *document, const char *id, const char *previous);

/* Cancels a request for diagnostics and answers it. Returns whether there was one of that id. */
bool checks_cancel(struct session *session, const char *id);

/* Starts the checks that are due. Returns when the next one is due, on clock_ms(); 0: none is scheduled. */
int64_t checks_start(struct session *session);
