/* Where things are: the daemon's socket and what stands beside it, and the other programs of this
 * installation. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"

/* The socket's path: $PYCOMPILED_SOCKET, else $XDG_RUNTIME_DIR/pycompiled/socket, else
 * /tmp/pycompiled-UID/socket. Never NULL; the caller frees. */
char *paths_socket(void);

/* The daemon's log file and lock file: `log` and `lock` in the socket's folder for a socket called
 * "socket", else SOCKET.log and SOCKET.lock. The caller frees. */
char *paths_log(const char *socket_path);
char *paths_lock(const char *socket_path);

/* Checks that the folder that holds the socket belongs to this user (or root) and that no other user may
 * write to it (a sticky folder such as /tmp does not count as ours). Returns 0, or a negative errno
 * value with a message in *why, which the caller frees: -ENOENT where it does not exist. */
int paths_check_folder(const char *socket_path, char **why);

/* Finds a program of this installation from the running one: beside it; in a build tree in
 * ../daemon and ../client; where `libexec` is true, also in ../libexec/pycompiled. Returns its path,
 * which the caller frees, or NULL. */
char *paths_program(const char *name, bool libexec);

/* The folders in which hosts (pycompile-host-X.Y) may stand, most trusted first: appends them to
 * `folders`, NUL-separated: beside this program, ../libexec/pycompiled, and in a build tree
 * host/. */
void paths_host_folders(struct buffer *folders);
