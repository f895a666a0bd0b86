/* Starting the daemon if none runs. Of many starters at once the daemon chooses one (`pycompiled --background` holds
 * a lock); here the client only waits for its report. */
#pragma once

#include <stdbool.h>

enum autostart_when {
    AUTOSTART_DEFAULT, /* unless $PYCOMPILED_AUTOSTART is 0 */
    AUTOSTART_AGAIN,   /* the same, after a connection was lost: no daemon is asked to leave */
    AUTOSTART_RUNNING, /* only in the place of a daemon that is asked to leave */
    AUTOSTART_LOOK,    /* none is started, and none is asked to leave */
    AUTOSTART_ALWAYS,
};

/* A question and what was found. Only the first two members are to be set. */
struct autostart {
    const char *socket_path; /* of the daemon that all programs share; borrowed */
    enum autostart_when when;
    char *path;   /* the socket of the connection; owned */
    char *notice; /* a sentence about the daemon for a person, or NULL; owned */
    bool started; /* a daemon was started */
};

void autostart_deinit(struct autostart *autostart);

/* Connects to the daemon, and starts one first if none runs. Returns a non-blocking socket, which the caller closes, or
 * a negative errno value and a message, which the caller frees; the message has several lines, with the daemon's
 * message and the last lines of its log. -ENOENT: none runs, and none was to be started; then there is no message.
 *
 * A daemon that daemon_check.h finds to be in the way is asked to leave, once, and another one is started. If a client
 * of another installation has started it, it stays, and the daemon of this build is on a socket of its own:
 * SOCKET.BUILD. None of that is done if none may be started. Ends within about half a minute. */
int autostart_connect(struct autostart *autostart, char **why);

/* For a daemon that sees other folders than this process, in the namespace `theirs` (place_namespace() of
 * base/place.h): the socket that programs of this process's mount namespace and root share, SOCKET.NAMESPACE, which the
 * caller frees. NULL if the namespace is the same, or if no daemon runs there and none can be started. */
char *autostart_namespace_path(const char *socket_path, const char *theirs);

/* The socket of a daemon of this build that stands beside another installation's. The caller frees. */
char *autostart_own_path(const char *socket_path);
