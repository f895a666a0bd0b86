/* The identity of a file or a folder at a moment: another file, or a changed one, has another. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

/* All zero: there is none. */
struct venv_mark {
    uint64_t inode, size, seconds, nanoseconds;
};

/* Of `path`, relative to the folder; links are followed. */
struct venv_mark venv_mark_of(int dir_fd, const char *path);
bool venv_mark_equal(const struct venv_mark *a, const struct venv_mark *b);

/* As four numbers, each with a blank behind it. */
void venv_mark_append(const struct venv_mark *mark, struct buffer *out);

/* Reads these numbers, and moves *at behind them. Returns false if they are not there. */
bool venv_mark_read(const char **at, struct venv_mark *mark);
