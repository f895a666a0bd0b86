/* The installed hosts: the executables pycompile-host-X.Y of this installation. */
#pragma once

#include "base/python_version.h"

struct host_program {
    char *python; /* "3.13" */
    char *path;
    struct python_version version;
};

/* One item for each X.Y, the newest Python first. */
struct host_programs {
    struct host_program *items;
    unsigned count;
    char *launcher; /* pycompile-host, which runs hosts in interpreters that are named at run time; or NULL */
};

/* Looks in `first` (or NULL), then in the folders of paths_host_folders(); the first folder that has a version wins. It
 * reads folders, so it is for the start of a program, not for an event loop. */
void host_programs_find(struct host_programs *programs, const char *first);
void host_programs_deinit(struct host_programs *programs);
