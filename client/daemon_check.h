/* Judging the daemon that listens: whether it is to serve this program, to be asked to leave, or to be left to another
 * installation. Programs that run together must be of one build, an upgrade replaces files under a daemon, and a daemon
 * has the limits of the process that happened to start it. */
#pragma once

#include <sys/types.h>

enum daemon_verdict {
    DAEMON_SERVES,
    DAEMON_LEAVES, /* a daemon that some client has started; its executable was replaced, or its limits hurt */
    DAEMON_APART,  /* a daemon that a client of another installation has started */
};

/* Judges the daemon, process `peer` (0: unknown), that was reached at that socket.
 *
 * It serves if nothing else is known: the process is not visible, is not called pycompiled (systemd holds the socket, a
 * debugger runs the daemon), or does not answer. A daemon that a person or a service has started, with options of its
 * own, always serves. If it is of another build, *notice becomes a sentence about that, which the caller frees; else
 * NULL.
 *
 * Costs a dozen system calls if the daemon runs the program beside this one, under limits that are no worse than this
 * process's. Else it asks the daemon on a separate connection. */
enum daemon_verdict daemon_check(const char *socket_path, pid_t peer, char **notice);

/* Asks the daemon, process `peer`, to drain and exit: it finishes running jobs, and answers waiting ones with a
 * retryable error. Returns when the daemon has accepted that, or cannot be asked. If many clients do so at once, those
 * that are late leave its successor alone. */
void daemon_check_dismiss(const char *socket_path, pid_t peer);
