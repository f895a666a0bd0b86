/* Checking open documents: when, what of, and what becomes of the answers. An answer counts only for the text that is
 * still the newest. */
#pragma once

#include <stdint.h>

#include "client/lsp/session.h"

/* How soon after a change. */
enum check_when { CHECK_SOON, CHECK_NOW };

/* The open document, or NULL. */
struct document *checks_find(const struct session *session, const char *uri);

/* Opens it, anew if it is open; the text is still to be set. */
struct document *checks_open(struct session *session, const char *uri);

/* Closes it and takes its diagnostics away. */
void checks_close(struct document *document);

/* Frees all, and says nothing. */
void checks_close_all(struct session *session);

/* The text has changed. */
void checks_changed(struct document *document, enum check_when when);

/* It was saved: what waits to be checked is checked at once. */
void checks_saved(struct document *document);

/* Changes of its text were lost, or it is too large: it has no diagnostics until its text is known again. */
void checks_forget(struct document *document);

/* What its diagnostics depend on has changed: the settings. */
void checks_again(struct session *session);

/* A request for a document's diagnostics, to be answered when they are there. `id` is raw JSON text. */
void checks_pull(struct document *document, const char *id, const char *previous);

/* Cancels a request for diagnostics. Returns whether there was one of that id; then it is answered. */
bool checks_cancel(struct session *session, const char *id);

/* Starts the checks that are due, and returns when the next one is, 0 for none. */
int64_t checks_start(struct session *session);
