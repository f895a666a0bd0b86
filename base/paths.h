/* Places: the daemon's socket with its log and lock, and the other programs of this installation. The places of .pyc
 * files are in pyc_path.h. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"

/* The socket's path: $PYCOMPILED_SOCKET, else $XDG_RUNTIME_DIR/pycompiled/socket, else
 * /tmp/pycompiled-UID/socket. Never NULL; the caller frees. */
char *paths_socket(void);

/* The path of another socket beside that one, with a suffix: SOCKET.SUFFIX. The caller frees. */
char *paths_sibling(const char *socket_path, const char *suffix);

/* The daemon's log file and lock file: `log` and `lock` in the socket's folder for a socket called
 * "socket", else SOCKET.log and SOCKET.lock. The caller frees. */
char *paths_log(const char *socket_path);
char *paths_lock(const char *socket_path);

/* Checks that the socket's folder belongs to this user or root, and that no other user may write to it (a sticky folder
 * such as /tmp fails too). Returns 0, or a negative errno value with a message in *why, which the caller frees;
 * -ENOENT: there is no folder. */
int paths_check_folder(const char *socket_path, char **why);

/* Notes the place of the running program. To be called before the working directory changes: where /proc is not
 * mounted, the program may be known by a relative path only. */
void paths_note_program(void);

/* Finds a program of this installation from the place of the running one: beside it; in a build tree in ../daemon and
 * ../client; if `libexec` is true, also in ../libexec/pycompiled. Returns its path, which the caller frees, or NULL. */
char *paths_program(const char *name, bool libexec);

/* Appends the folders that may hold hosts (pycompile-host-X.Y) to `folders`, each ended by a NUL, most trusted first:
 * this program's own, ../libexec/pycompiled, and in a build tree host/. */
void paths_host_folders(struct buffer *folders);

/* Whether /proc is mounted, for messages where something cannot be done without it. */
bool paths_has_proc(void);
