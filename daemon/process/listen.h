/* Ownership of the daemon's socket: its folder, its lock, its name. Connections are not handled here. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct listener {
    int fd;         /* listening, non-blocking, close-on-exec; -1: none */
    bool connected; /* `fd` does not listen: it is the only connection */
    int lock_fd;    /* -1 where the socket came from systemd */
    bool activated; /* the socket came from systemd, which also removes it */
    char *path;     /* absolute; owned */
    dev_t device;   /* of the name that was bound */
    ino_t inode;
};

enum listen_status {
    LISTEN_READY,
    LISTEN_TAKEN, /* another daemon holds it */
    LISTEN_FAILED,
};

/* The descriptor of a socket that systemd passes (sd_listen_fds(3)). */
#define LISTEN_ACTIVATED_FD 3

/* Whether systemd passed sockets to this process ($LISTEN_PID, $LISTEN_FDS). */
bool listen_is_activated(void);

/* Makes the folder of the socket `path` (mode 0700) if it is missing, and checks its owner and mode. Returns 0, or a
 * negative errno value with a message in *why, which the caller frees. */
int listen_prepare_folder(const char *path, char **why);

/* Takes the socket. If systemd passed one, that is it. Else the folder is prepared, the lock taken, a dead daemon's
 * socket removed, and `path` bound. On LISTEN_FAILED a message is in *why, which the caller frees. */
enum listen_status listen_acquire(struct listener *listener, const char *path, char **why);

/* Takes the connected Unix stream socket that standard input is; /dev/null takes its place there. Returns 0, or a
 * negative errno value with a message in *why, which the caller frees. */
int listen_inherit(struct listener *listener, char **why);

/* Whether a daemon accepts connections at `path`. A killed daemon does not, even while a process that it was about to
 * start still holds its socket. */
bool listen_probe(const char *path);

/* Removes the name, if it is still this daemon's, and gives up the lock. `fd` stays with its user. */
void listen_release(struct listener *listener);
