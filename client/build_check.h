/* Recognising a daemon of another build, and dismissing it. Programs that run together must be of one build: an
 * upgrade replaces the files, while the old daemon still runs. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Whether the daemon, process `peer` (0: unknown), is of another build than this program, or its executable has been
 * replaced. False if that is unknown: the process is not visible, is not called pycompiled (systemd holds the
 * socket, a debugger runs the daemon), or does not answer. Costs two calls of stat() if the daemon runs the program
 * beside this one; else it asks the daemon on a separate connection. */
bool build_check_is_other(const char *socket_path, pid_t peer);

/* Asks the daemon, process `peer`, to drain and exit: it finishes running jobs, and answers waiting ones with a
 * retryable error. Returns when the daemon has accepted that, or cannot be asked. If many clients do so at once, those
 * that are late leave its successor alone. */
void build_check_dismiss(const char *socket_path, pid_t peer);
