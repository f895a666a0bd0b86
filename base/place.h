/* Identities of folders. Two processes in different mount namespaces or roots can find different folders at the same
 * path; an identity tells them so. An identity is the text "DEV:INO:PATH", the decimal st_dev and st_ino of the folder,
 * and its path. */
#pragma once

#include <stdbool.h>

/* Returns the identity of the folder that holds `file`, or of `file` itself if `itself` is true. Relative paths start
 * at `dir_fd` (or AT_FDCWD). The caller frees. Returns NULL where there is no such folder. */
char *place_make(int dir_fd, const char *file, bool itself);

/* Whether the path in an identity leads to that folder here. If stat() fails, the folder counts as the same unless it
 * is missing: opening it will give the error. */
bool place_is_here(int dir_fd, const char *place);

/* The identity of this process's mount namespace and root: the text "MNT:DEV:INO" of decimal numbers, those of the
 * namespace (0 where /proc is not mounted) and of the root folder. The caller frees. */
char *place_namespace(void);

/* The path in an identity; the text itself where it is none. Borrows. */
const char *place_path(const char *place);
