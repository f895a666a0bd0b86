/* Enumeration of the Python files of a workspace, one folder a step. These folders are skipped: __pycache__,
 * node_modules, hidden folders (.git, .venv, .tox, ...), virtual environments (folders with a pyvenv.cfg), and symbolic
 * links to folders. A folder that cannot be read counts as empty. */
#pragma once

#include "base/buffer.h"

/* Zero-initialised is empty. Both arrays are stacks: the last member is the next one. */
struct source_files {
    char **folders; /* not yet read */
    size_t folder_count, folder_cap;
    char **files; /* of the folder that was read last */
    size_t file_count, file_cap;
};

/* Adds a folder to read; copies its name. */
void source_files_add(struct source_files *files, const char *folder);
void source_files_deinit(struct source_files *files);

enum source_files_step {
    SOURCE_FILES_READY, /* *path is the next file; the caller frees it */
    SOURCE_FILES_MORE,  /* a folder was read: call again */
    SOURCE_FILES_END,
};

enum source_files_step source_files_next(struct source_files *files, char **path);
