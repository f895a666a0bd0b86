/* Connecting to the daemon, which is started where none runs, and asking it which Python the project wants, without
 * blocking: that takes up to half a minute, and so is left to a child process, which hands the socket over and ends. */
#pragma once

#include <sys/types.h>

struct dialer {
    pid_t pid; /* 0: none under way */
    int fd;    /* becomes readable when there is something to take; -1: none under way */
};

void dialer_init(struct dialer *dialer);

/* Ends what is under way. */
void dialer_deinit(struct dialer *dialer);

/* Begins; none may be under way. `folder`: where to look for what the project asks for (python_wish.h); NULL: do not
 * look. Returns 0, or -1 with errno. */
int dialer_start(struct dialer *dialer, const char *socket_path, const char *folder);

/* Takes what came out, once `fd` is readable; nothing is under way then. Returns a non-blocking socket, which the
 * caller closes, and in *python the version that the project asks for or NULL; or -1 and a message. The caller frees
 * both. */
int dialer_take(struct dialer *dialer, char **python, char **why);
