/* How a session begins: what the editor can do and what it is told, the settings, and the folders of the workspace.
 * Handlers as messages.c has them. */
#pragma once

#include "client/lsp/session.h"

int initialize(struct session *session, const char *id, const cJSON *params);
int initialized(struct session *session, const char *id, const cJSON *params);
int initialize_configuration_changed(struct session *session, const char *id, const cJSON *params);
int initialize_folders_changed(struct session *session, const char *id, const cJSON *params);

/* The answer to workspace/configuration. */
void initialize_configuration_came(struct session *session, const cJSON *result);
