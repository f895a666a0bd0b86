/* The Python files of a workspace, one after the other, a folder read at a time. Folders that hold no source of the
 * project are left out: __pycache__, node_modules, hidden ones (.git, .venv, .tox, ...), virtual environments (those
 * with a pyvenv.cfg), and links to folders. */
#pragma once

#include "base/buffer.h"

struct source_files {
    char **folders; /* still to be read, the next one last */
    size_t folder_count, folder_cap;
    char **files; /* of the folder that was read last, the next one last */
    size_t file_count, file_cap;
};

/* Zero-initialised has none. */
void source_files_add(struct source_files *files, const char *folder);
void source_files_deinit(struct source_files *files);

enum source_files_step {
    SOURCE_FILES_READY, /* *path is the next, which the caller frees */
    SOURCE_FILES_MORE,  /* a folder was read: call again */
    SOURCE_FILES_END,
};

enum source_files_step source_files_next(struct source_files *files, char **path);
