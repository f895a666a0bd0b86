/* Starting the daemon if none runs. Of many starters at once the daemon chooses one (`pycompiled --background` holds
 * a lock); here the client only waits for its report. */
#pragma once

#include <stdbool.h>

enum autostart {
    AUTOSTART_DEFAULT, /* unless $PYCOMPILED_AUTOSTART is 0 */
    AUTOSTART_AGAIN,   /* the same, after a connection was lost: a daemon of any build will do */
    AUTOSTART_ALWAYS,
};

/* Connects to the daemon, and starts one first if none runs. Returns a non-blocking socket, which the caller closes,
 * or -1 and a message, which the caller frees; it has several lines, with the daemon's message and the last lines of
 * its log. A daemon of another build is told to exit, and one of this build is started (see build_check.h), unless none
 * may be started. Sets *started (may be NULL) to whether a daemon was started. Ends within about half a minute. */
int autostart_connect(const char *socket_path, enum autostart autostart, bool *started, char **why);
