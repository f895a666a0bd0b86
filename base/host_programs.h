/* Which hosts are installed: the executables pycompile-host-X.Y beside this program. */
#pragma once

#include "base/python_version.h"

struct host_program {
    char *python; /* "3.13" */
    char *path;
    struct python_version version;
};

/* Newest Python first; one for each X.Y. */
struct host_programs {
    struct host_program *items;
    unsigned count;
};

/* Looks in `first` (or NULL), then in the folders of paths_host_folders(). Reads folders: for start-up. */
void host_programs_find(struct host_programs *programs, const char *first);
void host_programs_deinit(struct host_programs *programs);
