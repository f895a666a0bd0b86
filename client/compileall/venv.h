/* A virtual environment for --venv: the distributions that are installed in it, those of them that have changed since
 * the last run, and their sources. The last run is known by venv_stamp.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "client/compileall/options.h"
#include "client/compileall/venv_stamp.h"

/* An installed distribution. */
struct venv_dist {
    char *name; /* of its .dist-info folder (or .egg-info), relative to the environment */
    struct venv_mark record;
    const struct venv_block *block; /* of the stamp, if it is unchanged; else NULL */
    struct buffer sources;          /* relative to the environment, each with its NUL; of one that has changed */
    const char *why;                /* why its RECORD cannot be read, or NULL */
};

struct venv {
    char *path; /* as it was named */
    char *root; /* without links */
    int fd;
    char *key; /* of the stamp: all that the result depends on */
    struct venv_stamp stamp;
    bool has_stamp; /* false: the run neither needs nor leaves one */
    struct venv_dist *dists;
    size_t count;
    char **names; /* of the sources of all distributions that have changed */
    size_t name_count;
    size_t unchanged; /* files of the others */
};

/* Finds the environment of the options: the one that is named, else $VIRTUAL_ENV, else .venv. From then on it is the
 * active one of this process. Returns 0, or a negative errno value with a message in *why, which the caller frees. The
 * caller calls venv_close() in both cases. */
int venv_open(struct venv *venv, const struct compileall_options *options, char **why);
void venv_close(struct venv *venv);

/* Leaves a stamp. `failed` are the names that could not be compiled, in their order and before all that are not
 * the environment's, each with its NUL: their distributions are looked at again by the next run. */
void venv_leave_stamp(const struct venv *venv, const struct buffer *failed);
