/* The files of the Python that this process has loaded: the interpreter's executable, the shared libpython, and the
 * library. A Python that is upgraded while a host runs would be two releases in one process. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"

/* Notes what the files are now. `runs_executable`: this process runs the interpreter's executable. If that was replaced
 * before this call, the files count as changed. Called once, after python_release_init(), before there are threads. */
void python_files_note(bool runs_executable);

/* Appends a line for each file: its path and what tells it from another. */
void python_files_describe(struct buffer *out);

/* A name for what the files were when they were noted: equal for equal files, PYTHON_FILES_NAME_SIZE - 1 characters. */
#define PYTHON_FILES_NAME_SIZE 17
void python_files_name(char name[PYTHON_FILES_NAME_SIZE]);

/* If the name is another than `name`, the files count as changed from now on. Called once, before there are threads. */
void python_files_expect(const char *name);

/* Whether one of them is another file now, or was written to: by device, inode, size and modification time. A file that
 * is missing is not (an upgrade may be under way). A change may be noticed a millisecond late. Any thread may call it.
 */
bool python_files_have_changed(void);
