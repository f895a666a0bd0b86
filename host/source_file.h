/* Reading a source: its bytes, and the stat that belongs to exactly these bytes. No Python here. */
#pragma once

#include <sys/stat.h>

#include "base/buffer.h"

struct source_file {
    struct buffer data;
    struct stat stat; /* of the open file; unchanged from before the reading to after it */
};

/* Reads `path` relative to the folder `dir_fd`. A file that changes while it is read is read again. Returns 0 or
 * a negative errno value, -EFBIG where there are more than `max` bytes. The caller calls source_file_deinit() in all
 * cases. */
int source_file_read(struct source_file *file, int dir_fd, const char *path, size_t max);

/* Takes the stat alone, of a file whose bytes came with the request. Returns 0 or a negative errno value. */
int source_file_stat(struct source_file *file, int dir_fd, const char *path);

void source_file_deinit(struct source_file *file);
