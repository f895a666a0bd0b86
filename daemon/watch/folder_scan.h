/* The slow work of a watch: walking a folder and everything below it, and matching paths against .gitignore files. It
 * runs in the thread pool, not in the loop.
 *
 * A folder is added to the inotify instance before it is read, so that no change in between is missed. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/watch/ignore_list.h"

struct found_folder {
    int wd;     /* of inotify_add_watch(2) */
    char *path; /* owned */
};

/* Absolute paths, owned. */
struct found_files {
    char **paths;
    size_t count;
};

struct folder_scan {
    int inotify_fd;
    const struct ignore_list *known; /* .gitignore files that were read before; not changed meanwhile */
    const atomic_bool *stop;         /* ends the work early */
    struct found_folder *folders;
    size_t folder_count;
    struct found_files files;   /* Python sources that were met */
    struct found_files changed; /* Python sources that have changed and are not ignored */
    struct ignore_list ignored; /* the .gitignore files that were read now */
    atomic_size_t bytes;        /* about what the findings hold; it only grows */
    int error; /* errno of the first folder that could not be followed because inotify watches or memory ran out */
};

/* Scans `folder` (absolute), even if it is ignored. Folders that vanish or may not be read are passed over; links are
 * not followed. Returns whether `folder` itself was there. */
bool folder_scan_run(struct folder_scan *scan, const char *folder);

/* Scans a folder that has appeared, unless it is ignored. */
void folder_scan_run_new(struct folder_scan *scan, const char *folder);

/* Adds a source that has changed to `changed`, unless it is ignored. */
void folder_scan_judge(struct folder_scan *scan, const char *path);

/* Frees the findings that were not taken. */
void folder_scan_deinit(struct folder_scan *scan);

/* Whether a file of that name is a Python source. */
bool folder_scan_is_source(const char *name);
