/* Folders that are followed with all that is below them: tells which sources change, come or are moved in.
 *
 * inotify(7) by uv_poll: libuv's own file events do not tell when the kernel's queue has overflowed, nor when a file
 * that was written is closed. Scans run in libuv's thread pool; meanwhile events wait in the kernel. */
#pragma once

#include <stdatomic.h>

#include <uv.h>

#include "base/buffer.h"
#include "daemon/watch/folder_scan.h"

struct folder_tree;

struct folder_tree_events {
    /* A source was written or came; or (`scanned`) was met by a scan and may have been written before. */
    void (*source)(struct folder_tree *tree, const char *path, bool scanned);
    /* A scan is over: the first one (everything is followed from now on), or a later one. */
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
    struct buffer todo; /* folders that the next scan goes through, each with its NUL */
    bool todo_all;      /* it goes through all, from the roots */
    uv_work_t work;
    struct buffer scanning; /* the folders of the scan under way */
    struct folder_scan scan;
    unsigned roots_missing;
    bool scans, closing;
    atomic_bool stop;
};

/* Follows the folders; what is found by the first scan is told as scanned. Returns 0, or -1 with errno: then it may be
 * freed at once. On 0 it ends with folder_tree_close(). */
int folder_tree_init(struct folder_tree *tree, uv_loop_t *loop, char **roots, size_t root_count,
                     const struct folder_tree_events *events);

void folder_tree_close(struct folder_tree *tree);
