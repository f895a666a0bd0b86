/* The executable of a Python interpreter that somebody names: which file it is, and whether a host may be run in it.
 * Reads files, and may wait for their file system: not for an event loop. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct interpreter_file {
    char *path; /* without links; of the base of a virtual environment */
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec mtime;
};

/* Finds the file that `named` (absolute) stands for: links are followed, and the python of a virtual environment stands
 * for the interpreter that the environment was made with (`home` in pyvenv.cfg). Returns 0, or a negative errno value
 * with a sentence in *why, which the caller frees, where no host may or can be run in it:
 *
 * - the file and all folders above it must belong to this user or root, and nobody else may write to them, unless the
 *   folder is one like /tmp, in which nobody can replace what is another's;
 * - it must be a program for this machine that the dynamic linker of this C library loads, without set-user-ID bits.
 *
 * The caller calls interpreter_file_deinit() in both cases. */
int interpreter_file_find(const char *named, struct interpreter_file *file, char **why);
void interpreter_file_deinit(struct interpreter_file *file);

/* Whether both are the same file, unchanged. */
bool interpreter_file_same(const struct interpreter_file *a, const struct interpreter_file *b);

/* The interpreter in the folder `home` that the pyvenv.cfg of a virtual environment names, or that of the environment
 * in the folder `environment`; the caller frees. NULL: `environment` is none, or its base is gone. */
char *interpreter_file_base(const char *environment);
