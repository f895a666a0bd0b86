/* The .pyc on disk: its header (PEP 552), whether it is up to date, and writing it so that it is there whole or not at
 * all. No Python here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PYC_HEADER_SIZE 16
#define PYC_FLAG_HASH 1u
#define PYC_FLAG_CHECK_SOURCE 2u

/* A header; the two words are mtime and size, or the halves of the source's hash. */
struct pyc_header {
    uint32_t magic;
    uint32_t flags;
    uint32_t words[2];
};

/* Why a file could not be written: the call's errno and the path it was about. */
struct pyc_failure {
    int error;
    char *path;   /* the caller frees */
    char *target; /* of a rename, or NULL; the caller frees */
};

/* What stands at the place of a .pyc. */
enum pyc_place {
    PYC_PLACE_FREE, /* nothing, or a regular file: may be replaced */
    PYC_PLACE_SYMLINK,
    PYC_PLACE_NOT_REGULAR,
};

enum pyc_place pyc_file_place(int dir_fd, const char *path);

/* Reads the header of an existing .pyc. False where there is none. */
bool pyc_file_read_header(int dir_fd, const char *path, struct pyc_header *header);

/* Writes header and code to a temporary file beside `path` and renames it: missing folders are made as os.makedirs
 * does. `mode` is that of the file, and `mask` the umask for both. `unique` makes the temporary name: what stands
 * there already is the leftover of a killed run of the same job. Returns 0, or -1 with *failure set. */
int pyc_file_write(int dir_fd, const char *path, const struct pyc_header *header, const void *code, size_t code_len,
                   mode_t mode, mode_t mask, const char *unique, struct pyc_failure *failure);

/* A process that is told to leave calls pyc_file_finish_writing(): it returns once no thread is between making a
 * temporary file and renaming it, and none will begin. */
void pyc_file_finish_writing(void);
