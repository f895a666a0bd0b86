/* The protocol's methods about documents: open, change, save, close, and requests for diagnostics. They are handlers of
 * messages.c: `id` is the request's raw JSON text, NULL in a notification; they return 0, or -EINVAL where `params` is
 * not as the protocol says. */
#pragma once

#include "client/lsp/session.h"

int document_messages_opened(struct session *session, const char *id, const cJSON *params);
int document_messages_changed(struct session *session, const char *id, const cJSON *params);
int document_messages_saved(struct session *session, const char *id, const cJSON *params);
int document_messages_closed(struct session *session, const char *id, const cJSON *params);
int document_messages_pulled(struct session *session, const char *id, const cJSON *params);
