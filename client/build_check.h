/* Whether a daemon is of this installation's build, and replacing one that is not. Two programs that run together must
 * be of one build: an upgrade replaces the files, and the daemon that runs is the old one. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Whether the daemon, process `peer` (0: not known), runs another build than this program's, or its executable has been
 * replaced. False where that cannot be told: the process is not to be seen, is not called pycompiled (systemd holds the
 * socket, a debugger runs the daemon), or does not answer. Costs two stat() where the daemon runs the program beside
 * this one; else it asks the daemon on a connection of its own. */
bool build_check_is_other(const char *socket_path, pid_t peer);

/* Asks the daemon to drain and exit: it finishes what runs, and answers what is queued with a retryable error. Returns
 * when it has taken that, or cannot be asked. */
void build_check_dismiss(const char *socket_path);
