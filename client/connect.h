/* Connecting to the daemon's socket safely: its owner is checked before and after connect(). Does not start a
 * daemon; autostart.h does. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

enum connect_status {
    CONNECT_OK,
    CONNECT_NO_PATH,       /* there is no socket of that name */
    CONNECT_NOBODY,        /* there is a socket, and no process listens on it */
    CONNECT_NOT_SOCKET,    /* something else stands there */
    CONNECT_NOT_PERMITTED, /* the folder or the daemon is another user's, or access was denied */
    CONNECT_FAILED,        /* anything else: path too long, a daemon that does not accept, ... */
};

/* Connects. On CONNECT_OK *fd is a non-blocking close-on-exec socket, which the caller closes; else
 * *why is a message, which the caller frees. Waits a few seconds at most. */
enum connect_status connect_daemon(const char *socket_path, int *fd, char **why);

/* Whether the status means that no daemon runs, so that one may be started. */
bool connect_is_absent(enum connect_status status);

/* The process id of the daemon at the other end (of the process that made the socket), or 0 if it is unknown. */
pid_t connect_peer(int fd);
