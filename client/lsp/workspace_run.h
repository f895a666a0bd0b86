/* The command pycompiled.compileWorkspace: compiles all files of the workspace that are not up to date, in the
 * background, and reports progress. At most one run is under way. */
#pragma once

#include "client/lsp/session.h"

/* Begins a run. `id` of the request and `token` of its progress (NULL: none was given) are raw JSON text. `folders` is
 * an array of URIs; NULL: the folders of the workspace. The request is answered when the run ends, or at once with an
 * error if a run is already under way. */
void workspace_run_start(struct session *session, const char *id, const char *token, const cJSON *folders);

/* Does the next piece of work. Returns whether there is more to do at once. */
bool workspace_run_step(struct session *session);

/* The editor has answered the request `id` for a progress token. `made`: the token was created. */
void workspace_run_progress_made(struct session *session, const char *id, bool made);

/* Cancels the run if its request has that id, or its progress that token (raw JSON text; one is NULL). */
void workspace_run_cancel(struct session *session, const char *id, const char *token);

/* Cancels the run, if there is one, and answers its request. */
void workspace_run_stop(struct session *session);

/* Frees the run, if there is one, and sends nothing to the editor. */
void workspace_run_free(struct session *session);
