/* The .pyc on disk: checking its place, and writing it atomically: whole or not at all. No Python here. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/pyc_header.h"

/* Why a file could not be written: the call's errno and the path it was about. pyc_failure_deinit() frees. */
struct pyc_failure {
    int error;
    char *path;
    char *target; /* of a rename, or NULL */
};

void pyc_failure_deinit(struct pyc_failure *failure);

/* The kind of file that stands at the place of a .pyc. */
enum pyc_place {
    PYC_PLACE_FREE, /* nothing, or a regular file: may be replaced */
    PYC_PLACE_SYMLINK,
    PYC_PLACE_NOT_REGULAR,
};

enum pyc_place pyc_file_place(int dir_fd, const char *path);

/* Writes header and code to a temporary file beside `path` and renames it: missing folders are made as os.makedirs
 * does. `mode` is that of the file, and `mask` the umask for both. `unique` makes the temporary name: a file of that
 * name is the leftover of a killed run and is replaced. Returns 0, or a negative errno value with *failure set. */
int pyc_file_write(int dir_fd, const char *path, const struct pyc_header *header, const void *code, size_t code_len,
                   mode_t mode, mode_t mask, const char *unique, struct pyc_failure *failure);

/* Makes the missing folders of `path`, as os.makedirs does. Returns as pyc_file_write() does. */
int pyc_file_make_folder(int dir_fd, const char *path, mode_t mask, struct pyc_failure *failure);

/* Removes the temporary file that a killed pyc_file_write() of the same `path` and `unique` may have left. */
void pyc_file_discard(int dir_fd, const char *path, const char *unique);

/* For a process that is told to leave: waits until no thread is between making a temporary file and renaming it, and
 * keeps all threads from making another. */
void pyc_file_finish_writing(void);
