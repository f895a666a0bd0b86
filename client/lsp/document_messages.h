/* What the editor says of documents: opened, changed, saved, closed, diagnostics wanted. Handlers as messages.c has
 * them. */
#pragma once

#include "client/lsp/session.h"

int document_opened(struct session *session, const char *id, const cJSON *params);
int document_changed(struct session *session, const char *id, const cJSON *params);
int document_saved(struct session *session, const char *id, const cJSON *params);
int document_closed(struct session *session, const char *id, const cJSON *params);
int document_pulled(struct session *session, const char *id, const cJSON *params);
