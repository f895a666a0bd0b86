/* The file name that goes into a code object: what compileall's -d, -s and -p make of a source's path. Pure. */
#pragma once

#include <stdbool.h>

struct code_name {
    const char *strip;   /* -s, or NULL */
    const char *prepend; /* -p, or NULL */
};

/* The name, which the caller frees, or NULL where it is the path itself. *stripped tells whether `strip` is one of the
 * path's beginnings (true where there is none to strip). */
char *code_name(const struct code_name *how, const char *path, bool *stripped);
