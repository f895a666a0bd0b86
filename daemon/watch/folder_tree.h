/* Follows folders and everything below them, and reports each source that changes, appears or is moved in.
 *
 * inotify(7) by uv_poll: libuv's own file events tell neither when the kernel's queue has overflowed, nor when a file
 * that was written is closed. Scans of folders, and matching by .gitignore files, run in libuv's thread pool, since
 * both can take long; meanwhile events wait in the kernel. */
#pragma once

#include <stdatomic.h>

#include <uv.h>

#include "base/buffer.h"
#include "daemon/watch/folder_scan.h"

struct folder_tree;

struct folder_tree_events {
    /* A source was written or has appeared. `scanned`: a scan has met it, and it may be older. */
    void (*source)(struct folder_tree *tree, const char *path, bool scanned);
    /* A piece of work in the thread pool has ended. From the first call on all folders are followed. */
    void (*scanned)(struct folder_tree *tree);
    /* Nothing is followed any more. */
    void (*failed)(struct folder_tree *tree, const char *why);
    /* After folder_tree_close(): it may be freed. */
    void (*closed)(struct folder_tree *tree);
};

struct folder_tree {
    uv_poll_t poll;
    int fd; /* inotify's, non-blocking */
    const struct folder_tree_events *events;
    char **roots; /* absolute; the owner's */
    size_t root_count;
    char **folders; /* by watch descriptor; NULL: gone. Owned */
    size_t folders_cap, folder_count;
    struct ignore_list ignored;
    struct buffer new_folders, changed; /* for the next work: paths, each with its NUL */
    bool todo_all;                      /* the next work scans everything, from the roots */
    uv_work_t work;
    struct buffer work_folders, work_changed; /* of the work under way */
    bool work_all;
    struct folder_scan scan;
    unsigned roots_missing;
    bool works, closing;
    atomic_bool stop;
};

/* Begins to follow the folders. Sources that the first scan meets are reported as scanned. Returns 0; the owner then
 * ends the tree by folder_tree_close(). Or returns a negative errno value; the tree may then be freed at once. */
int folder_tree_init(struct folder_tree *tree, uv_loop_t *loop, char **roots, size_t root_count,
                     const struct folder_tree_events *events);

/* Stops following; `closed` is called later. */
void folder_tree_close(struct folder_tree *tree);
