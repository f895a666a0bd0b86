/* Owning the socket: its folder, its lock, its name. Not the connections on it. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct listener {
    int fd;         /* listening, non-blocking, close-on-exec; -1: none */
    int lock_fd;    /* -1 where the socket came from systemd */
    bool activated; /* the socket came from systemd: not ours to unlink */
    char *path;     /* owned */
    dev_t device;   /* of the name we bound */
    ino_t inode;
};

enum listen_status {
    LISTEN_READY,
    LISTEN_TAKEN, /* another daemon holds it */
    LISTEN_FAILED,
};

/* Where systemd puts a socket that it passes (sd_listen_fds(3)). */
#define LISTEN_ACTIVATED_FD 3

/* Whether systemd passed this very process sockets ($LISTEN_PID, $LISTEN_FDS). */
bool listen_is_activated(void);

/* Makes the folder of the socket `path` (0700) where it is missing, and checks who owns it. Returns 0, or -1
 * with a message in *why, which the caller frees. */
int listen_prepare_folder(const char *path, char **why);

/* Takes the socket: from systemd where it was passed, else binds `path`, after preparing its folder, taking the
 * lock and removing what a dead daemon left. On LISTEN_FAILED a message is in *why, which the caller frees. */
enum listen_status listen_acquire(struct listener *listener, const char *path, char **why);

/* Whether a daemon accepts connections at `path`. One that has been killed does not, though a process that it was about
 * to start may hold its socket for a moment. */
bool listen_probe(const char *path);

/* Removes the name, if it is still ours, and gives up the lock. `fd` is left to its user. */
void listen_release(struct listener *listener);
