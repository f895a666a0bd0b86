/* The arguments of one piece of work: those of rules_python's precompiler.
 *
 *   --invalidation_mode unchecked_hash|checked_hash|timestamp  --optimize N  --python_version X.Y  --magic_number N
 *   --src PATH --src_name NAME --pyc PATH    (once for each source)
 *
 * `--name=value` and `--name value` are the same. @FILE stands for the lines of FILE; @@TEXT is the argument @TEXT. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/* One source. Paths start from the folder of the work. */
struct precompile_source {
    char *src;  /* the source's path */
    char *name; /* the name that the code objects get */
    char *pyc;  /* the path of the result */
};

struct precompile {
    int invalidation_mode; /* enum invalidation_mode (proto/compile_request.h) */
    int optimize;          /* -1, 0, 1 or 2 */
    char *python;          /* "X.Y", or NULL: the server's own choice */
    unsigned magic;        /* the magic number that .pyc files must have, as served_magic.h has it; 0: any */
    struct precompile_source *sources;
    size_t count;
};

/* Reads the arguments. `folder` (or NULL) is where relative names of argument files start. Returns NULL, or a
 * sentence, which the caller frees; precompile_deinit() is due in both cases. */
char *precompile_parse(struct precompile *work, char *const *arguments, size_t count, const char *folder);
void precompile_deinit(struct precompile *work);

/* A path in a folder (NULL: the working directory). The caller frees. */
char *precompile_path(const char *folder, const char *path);
