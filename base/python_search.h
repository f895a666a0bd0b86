/* The interpreters of this machine, by version: for a version that no host was built for, or one patch release of it.
 *
 * Looked at, in this order: the paths of the user's list (python_search_list()); python X.Y in the folders of PATH; the
 * versions of pyenv (PYENV_ROOT, else ~/.pyenv) and uv (UV_PYTHON_INSTALL_DIR, else uv/python in XDG_DATA_HOME);
 * conda's folders and their environments (CONDA_PREFIX, ~/miniconda3 and the like, /opt/conda); /usr/local/bin and
 * /usr/bin. Those that interpreter_file_find() refuses are passed over; the others are run for their --version. So it
 * may take a while, ten seconds at most where the file system answers: not for an event loop. */
#pragma once

#include "base/buffer.h"
#include "base/python_version.h"

/* Finds the newest interpreter of that version; if `release` ("3.13.0") is not NULL, one of that release alone. Returns
 * its executable's path without links, which the caller frees; NULL: there is none. */
char *python_search_find(const struct python_version *version, const char *release);

/* The same, but takes what is found by then when the descriptor `wake_fd` becomes readable; -1: none. */
char *python_search_find_until(const struct python_version *version, const char *release, int wake_fd);

/* What `interpreter` says to --version, "3.13.0"; the caller frees. NULL: it is no Python, or does not run. */
char *python_search_release(const char *interpreter);

/* The file with the user's list of interpreters, one path a line: $XDG_CONFIG_HOME/pycompiled/pythons, else
 * ~/.config/pycompiled/pythons; the caller frees. NULL: neither is known. */
char *python_search_list_file(void);

/* Appends the paths of the user's list, a NUL after each. A list that belongs to another user is empty. */
void python_search_list(struct buffer *paths);
