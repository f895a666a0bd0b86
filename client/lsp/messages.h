/* What the editor says: the methods of the Language Server Protocol 3.17 that this server has, and the order in which
 * they may come. */
#pragma once

#include "client/lsp/session.h"

/* Takes a message. */
void messages_take(struct session *session, const char *text, size_t len);

/* A message could not be taken: answers as JSON-RPC says, and forgets the documents, since a change of one may be lost.
 */
void messages_refuse(struct session *session, const char *id, int code, const char *why);
