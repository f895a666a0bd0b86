/* Messages from the editor: dispatch of the methods of the Language Server Protocol 3.17 that this server implements.
 */
#pragma once

#include "client/lsp/session.h"

/* Handles all complete messages that the editor has sent. Sets session->over after `exit`, or if the editor does not
 * speak the protocol. */
void messages_take(struct session *session);
