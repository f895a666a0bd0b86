/* The folder of the cache: where it is, and whether it is safe to use. */
#pragma once

#include <stdbool.h>

/* The beginning of the names of stamps: small files of pycompileall-client --venv, one for an environment. */
#define FOLDER_STAMP "venv-"

/* The path of the cache's folder: `given`, else $PYCOMPILED_CACHE_DIR, else $XDG_CACHE_HOME/pycompiled, else
 * ~/.cache/pycompiled. The caller frees; NULL: none of them is known. Does not look at the disk. */
char *folder_locate(const char *given);

/* Makes the folder with its parents, mode 0700, and opens it. The folder must belong to this user and no other user may
 * write to it, since planted bytecode is run. Returns a descriptor, or a negative errno value with a message in *why,
 * which the caller frees. */
int folder_open(const char *folder, char **why);

/* Removes the stamps for which `is_stale` returns true, or all if it is NULL. `fd` is the open folder. Returns 0 or a
 * negative errno value. */
int folder_remove_stamps(int fd, bool (*is_stale)(int fd, const char *name, void *context), void *context);
