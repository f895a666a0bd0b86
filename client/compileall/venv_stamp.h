/* What the last run of --venv left of an environment: for each distribution the mark of its RECORD, and those of the
 * folders of its sources and of their __pycache__. Where none of them differs, nothing of the distribution was added,
 * removed or installed anew, and its files are not looked at.
 *
 * A source that is written in place keeps the marks of its folder: that is not noticed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "client/compileall/venv_mark.h"

/* A distribution in the stamp. */
struct venv_block {
    const char *text; /* its lines, in the stamp's text */
    size_t len;
    const char *name; /* of its folder, relative to the environment; up to the newline */
    size_t name_len;
    const char *folders; /* the lines about folders */
    struct venv_mark record;
    size_t files;
};

struct venv_stamp {
    struct buffer text;
    struct venv_block *blocks; /* sorted by name */
    size_t count;
};

/* Reads the stamp of the environment at `root` (a real path) that was made with the same `key`. Without one, the stamp
 * is empty. The caller calls venv_stamp_deinit(). */
void venv_stamp_read(struct venv_stamp *stamp, const char *root, const char *key);
void venv_stamp_deinit(struct venv_stamp *stamp);

/* The block of a distribution that is unchanged, or NULL. `root_fd` is the environment's folder. */
const struct venv_block *venv_stamp_find(const struct venv_stamp *stamp, int root_fd, const char *name,
                                         const struct venv_mark *record);

/* Begins the text of a new stamp of the environment at `root`, to which blocks are appended in the order of their
 * names. */
void venv_stamp_begin(struct buffer *text, const char *root, const char *key);

/* Appends a block. `sources` are paths relative to the environment, each with its NUL. A distribution with a
 * newline in a name gets no block. */
void venv_stamp_append(struct buffer *text, int root_fd, const char *name, const struct venv_mark *record,
                       const struct buffer *sources);

/* Puts the text in the place of the stamp on disk. A failure costs the next run time and nothing else. Removes the
 * stamps of environments that are gone, and those that were written more than 8 weeks ago. */
void venv_stamp_write(const struct buffer *text, const char *root);
