/* The standard library of an interpreter, for --stdlib. */
#pragma once

#include <stddef.h>

/* Appends the files and folders of its library to the names, all but those of installed packages. `interpreter` is its
 * path. The names are the caller's to free. Returns 0, or a negative errno value with a message in *why, which the
 * caller frees. */
int library_names(const char *interpreter, const char *xy, char ***names, size_t *count, char **why);
