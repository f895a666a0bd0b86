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
    struct python_version *objects; /* minor versions of interpreters that can be named at run time, newest first */
    unsigned object_count;
    char *launcher; /* pycompile-host, which runs hosts in interpreters that are named at run time; or NULL */
};

/* Looks in `first` (or NULL), then in the folders of paths_host_folders(); the first folder that has a version wins. It
 * reads folders, so it is for the start of a program, not for an event loop. */
void host_programs_find(struct host_programs *programs, const char *first);

/* Whether interpreters of that minor version can be named at run time. */
bool host_programs_has_object(const struct host_programs *programs, const struct python_version *version);

/* What stands beside the programs of this installation about interpreters of that minor version, a file of JSON: its
 * path, which the caller frees; or NULL. Reads no folder. */
char *host_programs_facts(const struct python_version *version);
void host_programs_deinit(struct host_programs *programs);
