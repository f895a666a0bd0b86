/* Folders that are followed with everything below them: tells which sources change, come or are moved in.
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
    /* A source was written or came; or it was met by a scan (`scanned`) and may have been written before. */
    void (*source)(struct folder_tree *tree, const char *path, bool scanned);
    /* Work in the thread pool is over. After the first call everything is followed. */
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

/* Follows the folders; the sources that the first scan meets are told as scanned. Returns 0, and then it ends with
 * folder_tree_close(); or a negative errno value, and then it may be freed at once. */
int folder_tree_init(struct folder_tree *tree, uv_loop_t *loop, char **roots, size_t root_count,
                     const struct folder_tree_events *events);

/* Follows nothing any more; `closed` is called later. */
void folder_tree_close(struct folder_tree *tree);
