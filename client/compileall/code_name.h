/* The file name of a code object: a source's path after compileall's -d, -s and -p. Touches no file. */
#pragma once

#include <stdbool.h>

struct code_name {
    const char *strip;   /* -s, or NULL */
    const char *prepend; /* -p, or NULL */
};

/* Returns the name, which the caller frees, or NULL if it is the path itself. Sets *stripped to whether the path
 * begins with `strip` (true if there is nothing to strip). */
char *code_name(const struct code_name *how, const char *path, bool *stripped);
