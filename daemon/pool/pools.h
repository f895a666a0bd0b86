/* The pools of a daemon: one for each Python version for which there is a host program, and one for each interpreter
 * that requests name, up to a limit. */
#pragma once

#include "base/host_programs.h"
#include "daemon/pool/pool.h"

/* Interpreters that are named at run time, at once. */
#define POOLS_INTERPRETERS_MAX 16

struct pools {
    struct pool **items; /* the installed ones, the newest Python first; then those of interpreters */
    unsigned count;
    unsigned installed;        /* of them */
    unsigned interpreters_max; /* pools of interpreters that there may be: POOLS_INTERPRETERS_MAX, or less */
    struct host_group model;
    struct host_programs programs; /* that were found at the start */
    struct pool *fallback;         /* for requests that name no version */
};

/* Makes a pool for each host program that is found (base/host_programs.h). `model`: see pool_new(). Returns 0, or
 * -ENOENT with a message in *why, which the caller frees, where there is no pool for the default version. In both cases
 * pools_close() is due, and pools_deinit() later. */
int pools_init(struct pools *pools, const struct host_group *model, char **why);
void pools_close(struct pools *pools);
void pools_deinit(struct pools *pools);

/* The pool for a version ("3.13"; NULL: the default), or NULL. */
struct pool *pools_find(const struct pools *pools, const char *python);

/* The pool of that interpreter, whose contents are taken. There are at most interpreters_max: beyond, the one
 * that has been idle for longest gives its place. NULL where all are in use; *file is then left alone. */
struct pool *pools_take_interpreter(struct pools *pools, struct interpreter_file *file);

/* Whether there is a pool of an interpreter of that path. */
bool pools_has_interpreter(const struct pools *pools, const char *path);

/* Says which versions there are, for a request that wants another; the caller frees. */
char *pools_missing_reason(const struct pools *pools, const char *python);
