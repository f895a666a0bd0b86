/* Where the cache is. */
#pragma once

/* The cache's folder: `given` (or NULL), else $PYCOMPILED_CACHE_DIR, else
 * $XDG_CACHE_HOME/pycompiled, else
 * ~/.cache/pycompiled. The caller frees; NULL where none of them is known. Nothing is touched. */
char *cache_folder(const char *given);

/* Makes the folder, mode 0700, with its parents. Checks that it belongs to this user and that no
 * other may write to it: who can plant bytecode runs code. Returns a descriptor of it, or -1 with a
 * message in *why, which the caller frees. */
int cache_folder_open(const char *folder, char **why);
