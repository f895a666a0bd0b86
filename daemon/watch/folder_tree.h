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
#include "daemon/watch/folder_table.h"

struct folder_tree;

struct folder_tree_events {
    /* A source was written or has appeared. `scanned`: a scan has met it, and it may be older. */
    void (*source)(struct folder_tree *tree, const char *path, bool scanned);
    /* What the tree holds has changed: folder_tree_size() says it. */
    void (*resized)(struct folder_tree *tree);
    /* A piece of work in the thread pool has ended. From the first call on all folders are followed. */
    void (*scanned)(struct folder_tree *tree);
    /* Nothing is followed any more. */
    void (*failed)(struct folder_tree *tree, const char *why);
    /* After folder_tree_close(): it may be freed. */
    void (*closed)(struct folder_tree *tree);
};

struct folder_tree {
    uv_poll_t poll;
    uv_timer_t timer; /* while work runs: looks at its size, then reports its findings part by part */
    int fd;           /* inotify's, non-blocking */
    const struct folder_tree_events *events;
    char **roots; /* absolute; the owner's */
    size_t root_count;
    char **places; /* identities that the first scan compares (base/place.h); the owner's */
    size_t place_count;
    bool is_foreign; /* one of them is another folder: the tree fails */
    struct folder_table folders;
    struct ignore_list ignored;
    struct buffer new_folders, changed; /* for the next work: paths, each with its NUL */
    struct buffer gone;                 /* folders that the events at hand end: paths, each with its NUL */
    unsigned drops;                     /* folders that the events at hand take away */
    bool todo_all;                      /* the next work scans everything, from the roots */
    uv_work_t work;
    struct buffer work_folders, work_changed; /* of the work under way */
    struct folder_table work_dropped;         /* folders that it is to follow no more */
    bool work_all;
    struct folder_scan scan;
    size_t taken; /* sources that the scan has found and that were reported */
    unsigned roots_missing;
    bool works;   /* work is under way, or its findings are being taken */
    bool scanned; /* the latter */
    bool closing;
    atomic_bool stop;
};

/* Begins to follow the folders, if `places` are the folders that their paths lead to; else the tree fails. Sources that
 * the first scan meets are reported as scanned. Returns 0; the owner then ends the tree by folder_tree_close(). Or
 * returns a negative errno value; the tree may then be freed at once. */
int folder_tree_init(struct folder_tree *tree, uv_loop_t *loop, char **roots, size_t root_count, char **places,
                     size_t place_count, const struct folder_tree_events *events);

/* The bytes that the tree holds, with those of a scan that runs. */
size_t folder_tree_size(const struct folder_tree *tree);

/* Stops following; `closed` is called later. */
void folder_tree_close(struct folder_tree *tree);
