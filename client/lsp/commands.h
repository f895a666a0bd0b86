/* Compiling single files: in the background as they are saved, and by the command pycompiled.compileFile. */
#pragma once

#include "client/lsp/session.h"

/* Compiles a file that was saved; what fails is logged, an error in the source is left to its diagnostics. While a
 * compile of it is under way, one more is remembered. */
void commands_compile_saved(struct session *session, const char *path);

/* Compiles a file and answers the request, of that id (raw JSON text). */
void commands_compile_file(struct session *session, const char *path, const char *id);

/* Cancels a request. Returns whether there was one of that id; then it is answered. */
bool commands_cancel(struct session *session, const char *id);

/* Drops all, without answers. */
void commands_free(struct session *session);
