/* Language servers on the daemon's socket: a connection whose first message is LSP's `initialize` is handed over to a
 * pycompile-lsp of its own, which is a client of this daemon as it is where an editor starts it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "proto/json.h"

struct connection;
struct server;

/* Whether the message at hand may ask for a language server: it is the connection's first, behind Content-Length. */
bool language_server_may_begin(const struct connection *connection);

/* Starts one on the connection's socket, to read `first`, the message at hand, and what has been read behind it before
 * anything else. The connection is then closed here, and goes on there. Returns false where none can be had, with a
 * message in *why that the caller frees; then the connection is as it was. */
bool language_server_begin(struct connection *connection, struct json_span first, char **why, bool *retryable);

/* Forgets those that run, which go on: the loop is about to end. */
void language_server_forget_all(struct server *server);
