/* The beginning of a session, and what is negotiated then or changed later: capabilities, settings, and the folders of
 * the workspace. Handlers of messages.c, as in document_messages.h. */
#pragma once

#include "client/lsp/session.h"

int initialize(struct session *session, const char *id, const cJSON *params);
int initialized(struct session *session, const char *id, const cJSON *params);
int initialize_configuration_changed(struct session *session, const char *id, const cJSON *params);
int initialize_folders_changed(struct session *session, const char *id, const cJSON *params);

/* Takes the answer to workspace/configuration; NULL is ignored. */
void initialize_configuration_came(struct session *session, const cJSON *result);
