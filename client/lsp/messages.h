/* Messages from the editor: dispatch of the methods of the Language Server Protocol 3.17 that this server implements.
 */
#pragma once

#include "client/lsp/session.h"

/* Takes all complete messages that the editor has sent. Sets session->over where the editor has said `exit`, or does
 * not speak the protocol. */
void messages_take(struct session *session);
