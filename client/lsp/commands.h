/* Compiling of single files: in the background after a save, and by the command pycompiled.compileFile. */
#pragma once

#include "client/lsp/session.h"

/* Compiles a file that was saved. A failure is logged, except an error in the source: the document's diagnostics show
 * that. A save during the compile causes one more compile after it. */
void commands_compile_saved(struct session *session, const char *path);

/* Compiles a file and answers the request `id` (raw JSON text). */
void commands_compile_file(struct session *session, const char *path, const char *id);

/* Cancels a request and answers it. Returns whether there was one of that id. */
bool commands_cancel(struct session *session, const char *id);

/* Drops all compiles and sends nothing to the editor. */
void commands_free(struct session *session);
