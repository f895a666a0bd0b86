/* The compile server of one worker: a daemon that serves this process alone, over a connected pair of sockets. It has
 * no name in the file system, and it leaves when the connection closes, which the kernel does when this process ends,
 * however it ends. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "client/rpc_client.h"

struct own_server {
    const char *cache;   /* the cache's folder, or NULL: no cache */
    const char *workers; /* the number of workers as text, or NULL: the daemon's default */
    pid_t pid;           /* while `is_open` */
    bool is_open;
    struct rpc_client client; /* while `is_open` */
};

/* Starts the server, unless one is open. Returns 0, or a negative errno value and a message, which the caller frees.
 * That the server can serve is known only when it answers. */
int own_server_open(struct own_server *server, char **why);

/* Closes the connection and waits until the server has left, which it is killed for after some seconds; does nothing if
 * none is open. */
void own_server_close(struct own_server *server);
