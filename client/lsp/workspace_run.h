/* Compiling all files of the workspace that are not up to date, in the background, with progress: the command
 * pycompiled.compileWorkspace. There is one run at a time. */
#pragma once

#include "client/lsp/session.h"

/* Begins. `id` of the request and `token` of its progress (NULL: none given) are raw JSON text; `folders` is an array
 * of URIs, or NULL for the workspace's. The request is answered when all is done, or at once where it cannot be begun.
 */
void workspace_run_start(struct session *session, const char *id, const char *token, const cJSON *folders);

/* Goes on; returns whether it wants to be called again at once. */
bool workspace_run_step(struct session *session);

/* The editor has made the token for progress, or has not. */
void workspace_run_progress_made(struct session *session, const char *id, bool made);

/* Cancels the run whose request has that id, or whose progress has that token (raw JSON text; one is NULL). */
void workspace_run_cancel(struct session *session, const char *id, const char *token);

/* Cancels the run if there is one: its request is answered. */
void workspace_run_stop(struct session *session);

/* Drops the run, without an answer. */
void workspace_run_free(struct session *session);
