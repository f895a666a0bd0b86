/* Going through a folder and all that is below it, adding each folder to an inotify instance before it is read, so that
 * nothing is missed in between. Blocks on the file system: for a thread of its own. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/watch/ignore_list.h"

struct found_folder {
    int wd;     /* of inotify_add_watch(2) */
    char *path; /* owned */
};

struct folder_scan {
    int inotify_fd;
    const struct ignore_list *known; /* what was read before; not changed meanwhile */
    const atomic_bool *stop;         /* ends the scan early */
    struct found_folder *folders;
    size_t folder_count;
    char **files; /* Python sources; absolute paths, owned */
    size_t file_count;
    struct ignore_list ignored; /* the .gitignore files below */
    int error; /* errno of the first folder that could not be followed for want of inotify watches or memory */
};

/* Scans `folder` (absolute). Folders that vanish, or may not be read, are passed over; links are not followed. Returns
 * whether `folder` itself was there. */
bool folder_scan_run(struct folder_scan *scan, const char *folder);

/* Frees what is left in it. */
void folder_scan_deinit(struct folder_scan *scan);

/* Whether a file of that name is a Python source. */
bool folder_scan_is_source(const char *name);
