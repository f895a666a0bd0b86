/* Starting the daemon where none runs. Which of many starters wins is the daemon's affair
 * (`pycompiled --background` holds a lock); here one only waits for its word. */
#pragma once

#include <stdbool.h>

enum autostart {
    AUTOSTART_DEFAULT, /* unless $PYCOMPILED_AUTOSTART is 0 */
    AUTOSTART_ALWAYS,
};

/* Connects to the daemon, and starts it first where none runs. Returns a non-blocking socket, which
 * the caller closes, or -1 and a message (of several lines, the daemon's words and its log's last
 * lines included), which the caller frees. *started (may be NULL) tells whether one was started.
 * Ends within about half a minute. */
int autostart_connect(const char *socket_path, enum autostart autostart, bool *started, char **why);
