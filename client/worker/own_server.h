/* The compile server of one worker: a daemon that serves this process alone, over a connected pair of sockets. It has
 * no name in the file system, and it leaves when the connection closes, which the kernel does when this process ends,
 * however it ends. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "client/rpc_client.h"

/* The id of the requests by which own_server_lives() asks for a sign of life. */
#define OWN_SERVER_PING_ID 0

struct own_server {
    const char *cache;   /* the cache's folder, or NULL: no cache */
    const char *workers; /* the number of workers as text, or NULL: the daemon's default */
    pid_t pid;           /* of the last server */
    bool is_open;
    struct rpc_client client; /* while `is_open` */
    int patience_ms;          /* the longest silence while an answer is owed; while `is_open` */
    int64_t pinged_ms;        /* of clock_ms(): since then a sign of life is waited for; 0: not */
    bool has_said;            /* the message that the server is silent, since it was last heard */
};

/* Starts the server, unless one is open. Returns 0, or a negative errno value and a message, which the caller frees.
 * That the server can serve is known only when it answers. */
int own_server_open(struct own_server *server, char **why);

/* For a server that owes an answer: the milliseconds until own_server_lives() has something to do, for poll(). */
int own_server_quiet_left(const struct own_server *server);

/* For a server that owes an answer. Asks a silent one for a sign of life, and says on standard error that the worker
 * waits. Returns false if it has given none for `patience_ms`: it hangs or is stopped. */
bool own_server_lives(struct own_server *server);

/* The server has answered something. */
void own_server_heard(struct own_server *server);

/* Kills the server, which hangs; own_server_close() is due. */
void own_server_kill(struct own_server *server);

/* For a server that died or was left, and is closed: ends its hosts that still run, so that they write nothing any
 * more. (They have become children of this process, which has no others then. Where the kernel does not list those,
 * hosts leave by themselves, after what they compile.) */
void own_server_end_hosts(void);

/* Closes the connection and waits until the server has left, which it is killed for after some seconds; does nothing if
 * none is open. */
void own_server_close(struct own_server *server);
