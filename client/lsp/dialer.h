/* Connecting to the daemon without blocking. A connection may take half a minute: the daemon is started where none
 * runs, and is asked which Python the project wants. So a child process does it, sends the socket back, and exits. */
#pragma once

#include <sys/types.h>

#include "client/autostart.h"

struct dialer {
    pid_t pid; /* the child; 0: none runs */
    int fd;    /* becomes readable when the child has a result; -1: no child runs */
};

void dialer_init(struct dialer *dialer);

/* Kills the child if one runs. */
void dialer_deinit(struct dialer *dialer);

/* Starts a child; none may run. `when`: as for autostart_connect(). The child looks in `folder` and above for the
 * Python that the project asks for (python_wish.h); NULL: it does not look. Returns 0 or a negative errno. */
int dialer_start(struct dialer *dialer, enum autostart_when when, const char *socket_path, const char *folder);

/* Takes the result of the child and reaps it; call it when `fd` is readable. Returns a non-blocking socket, which the
 * caller closes, and in *python the version that the project asks for, or NULL. Returns a negative errno with a
 * sentence in *why where the child could not connect. The caller frees *python and *why. */
int dialer_take(struct dialer *dialer, char **python, char **why);
