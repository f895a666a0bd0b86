/* Language servers on the daemon's socket: a connection whose first message is LSP's `initialize` is handed over to a
 * pycompile-lsp process of its own. That process is a client of this daemon, as it is when an editor starts it. */
#pragma once

#include <uv.h>

#include "base/list.h"
#include "daemon/census.h"
#include "proto/json.h"

struct connection;

/* The language servers of a daemon. Pointers are borrowed. */
struct language_server_group {
    uv_loop_t *loop;
    struct census *census;
    const char *socket_path; /* the daemon's, absolute */
    unsigned limit;          /* processes at once */
    struct list all;
};

void language_server_group_init(struct language_server_group *group, uv_loop_t *loop, struct census *census,
                                const char *socket_path, unsigned connection_limit);

/* Whether the message at hand may ask for a language server: it is the connection's first, behind Content-Length. */
bool language_server_may_begin(const struct connection *connection);

/* Starts one on the connection's socket. Before anything else it reads `first`, the message at hand, and the bytes that
 * have been read behind it. The connection is then closed in this process and lives on in the other. Returns 0, or a
 * negative errno value with a message in *why that the caller frees; then the connection is as it was. -ENOENT: the
 * program is missing, so that trying again is of no use. */
int language_server_begin(struct language_server_group *group, struct connection *connection, struct json_span first,
                          char **why);

/* Stops following the processes, which go on: the loop is about to end. */
void language_server_group_close(struct language_server_group *group);
