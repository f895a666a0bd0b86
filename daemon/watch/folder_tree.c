/* See folder_tree.h. */
#include "daemon/watch/folder_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/list.h"

#define EVENTS_BYTES 65536

static void start_scan(struct folder_tree *tree);

static char *folder_of(const struct folder_tree *tree, int wd) {
    return wd >= 0 && (size_t)wd < tree->folders_cap ? tree->folders[wd] : NULL;
}

static void remember(struct folder_tree *tree, int wd, char *path) {
    size_t needed = (size_t)wd + 1;
    if (needed > tree->folders_cap) {
        size_t cap = needed * 2;
        tree->folders = xrealloc(tree->folders, cap * sizeof *tree->folders);
        memset(tree->folders + tree->folders_cap, 0, (cap - tree->folders_cap) * sizeof *tree->folders);
        tree->folders_cap = cap;
    }
    if (tree->folders[wd] == NULL)
        tree->folder_count++;
    free(tree->folders[wd]);
    tree->folders[wd] = path;
}

static void forget(struct folder_tree *tree, int wd) {
    if (folder_of(tree, wd) == NULL)
        return;
    free(tree->folders[wd]);
    tree->folders[wd] = NULL;
    tree->folder_count--;
}

/* Follows the folder and what is below it no more. */
static void drop(struct folder_tree *tree, const char *path) {
    ignore_list_remove(&tree->ignored, path);
    for (size_t wd = 0; wd < tree->folders_cap; wd++) {
        if (tree->folders[wd] == NULL || !ignore_list_is_within(tree->folders[wd], path))
            continue;
        inotify_rm_watch(tree->fd, (int)wd);
        forget(tree, (int)wd);
    }
}

static void drop_all(struct folder_tree *tree) {
    drop(tree, "/");
    ignore_list_deinit(&tree->ignored);
}

static bool is_root(const struct folder_tree *tree, const char *path) {
    for (size_t i = 0; i < tree->root_count; i++)
        if (strcmp(tree->roots[i], path) == 0)
            return true;
    return false;
}

static void scan_later(struct folder_tree *tree, const char *path) {
    buffer_append(&tree->todo, path, strlen(path) + 1);
}

static void take_folder_event(struct folder_tree *tree, const char *path, uint32_t mask) {
    if (mask & IN_MOVED_FROM)
        drop(tree, path);
    else if (mask & (IN_CREATE | IN_MOVED_TO) && !ignore_list_has(&tree->ignored, &(struct ignore_list){0}, path, true))
        scan_later(tree, path);
}

static void take_file_event(struct folder_tree *tree, const char *path, const char *name, uint32_t mask) {
    if (strcmp(name, ".gitignore") == 0) {
        tree->todo_all = true;
        return;
    }
    if (mask & (IN_CLOSE_WRITE | IN_MOVED_TO) && folder_scan_is_source(name) &&
        !ignore_list_has(&tree->ignored, &(struct ignore_list){0}, path, false))
        tree->events->source(tree, path, false);
}

static void take_event(struct folder_tree *tree, const struct inotify_event *event) {
    if (event->mask & IN_Q_OVERFLOW) {
        tree->todo_all = true;
        return;
    }
    const char *folder = folder_of(tree, event->wd);
    if (folder == NULL)
        return;
    if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) {
        if (is_root(tree, folder))
            tree->todo_all = true; /* finds out what is left */
        if (event->mask & (IN_IGNORED | IN_DELETE_SELF))
            forget(tree, event->wd);
        return;
    }
    if (event->len == 0)
        return;
    char *path = xasprintf("%s/%s", strcmp(folder, "/") == 0 ? "" : folder, event->name);
    if (event->mask & IN_ISDIR)
        take_folder_event(tree, path, event->mask);
    else
        take_file_event(tree, path, event->name, event->mask);
    free(path);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    struct folder_tree *tree = list_entry(poll, struct folder_tree, poll);
    _Alignas(struct inotify_event) char bytes[EVENTS_BYTES];
    (void)events;
    ssize_t got = status < 0 ? -1 : read(tree->fd, bytes, sizeof bytes);
    for (const char *at = bytes; got > 0 && at < bytes + got && !tree->closing;) {
        const struct inotify_event *event = (const struct inotify_event *)at;
        take_event(tree, event);
        at += sizeof *event + event->len;
    }
    if (!tree->closing && (tree->todo_all || tree->todo.len > 0))
        start_scan(tree);
}

static void run_scan(uv_work_t *work) {
    struct folder_tree *tree = list_entry(work, struct folder_tree, work);
    for (size_t at = 0; at < tree->scanning.len; at += strlen(tree->scanning.data + at) + 1)
        if (!folder_scan_run(&tree->scan, tree->scanning.data + at) && is_root(tree, tree->scanning.data + at))
            tree->roots_missing++;
}

static void fail(struct folder_tree *tree) {
    const char *why = tree->scan.error == ENOSPC
                          ? "there are more folders than inotify may follow (fs.inotify.max_user_watches)"
                      : tree->scan.error != 0 ? strerror(tree->scan.error)
                                              : "none of the folders is there any more";
    tree->events->failed(tree, why);
}

/* Takes over what the scan has found. */
static void take_scan(struct folder_tree *tree) {
    struct folder_scan *scan = &tree->scan;
    for (size_t i = 0; i < scan->folder_count; i++) {
        remember(tree, scan->folders[i].wd, scan->folders[i].path);
        scan->folders[i].path = NULL;
    }
    ignore_list_merge(&tree->ignored, &scan->ignored);
    for (size_t i = 0; i < scan->file_count && !tree->closing; i++)
        tree->events->source(tree, scan->files[i], true);
}

static void close_now(struct folder_tree *tree);

static void on_scanned(uv_work_t *work, int status) {
    struct folder_tree *tree = list_entry(work, struct folder_tree, work);
    (void)status;
    tree->scans = false;
    if (!tree->closing)
        take_scan(tree);
    bool failed = tree->scan.error != 0 || tree->roots_missing == tree->root_count;
    if (tree->closing)
        close_now(tree);
    else if (failed)
        fail(tree);
    else
        tree->events->scanned(tree);
    if (!tree->scans) /* which the owner may have brought about */
        folder_scan_deinit(&tree->scan);
    if (!tree->closing && !failed)
        uv_poll_start(&tree->poll, UV_READABLE, on_readable);
}

static void start_scan(struct folder_tree *tree) {
    uv_poll_stop(&tree->poll);
    buffer_deinit(&tree->scanning);
    if (tree->todo_all) {
        drop_all(tree);
        buffer_deinit(&tree->todo);
        for (size_t i = 0; i < tree->root_count; i++) {
            ignore_list_read_above(&tree->ignored, tree->roots[i]);
            scan_later(tree, tree->roots[i]);
        }
        tree->roots_missing = 0;
        tree->todo_all = false;
    }
    tree->scanning = tree->todo;
    tree->todo = (struct buffer){0};
    tree->scan = (struct folder_scan){.inotify_fd = tree->fd, .known = &tree->ignored, .stop = &tree->stop};
    tree->scans = true;
    uv_queue_work(tree->poll.loop, &tree->work, run_scan, on_scanned);
}

int folder_tree_init(struct folder_tree *tree, uv_loop_t *loop, char **roots, size_t root_count,
                     const struct folder_tree_events *events) {
    *tree = (struct folder_tree){.events = events, .roots = roots, .root_count = root_count};
    tree->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (tree->fd < 0)
        return -1;
    int status = uv_poll_init(loop, &tree->poll, tree->fd);
    if (status < 0) {
        close(tree->fd);
        errno = -status;
        return -1;
    }
    tree->todo_all = true;
    start_scan(tree);
    return 0;
}

static void on_poll_closed(uv_handle_t *handle) {
    struct folder_tree *tree = list_entry(handle, struct folder_tree, poll);
    close(tree->fd);
    for (size_t wd = 0; wd < tree->folders_cap; wd++)
        free(tree->folders[wd]);
    free(tree->folders);
    folder_scan_deinit(&tree->scan);
    ignore_list_deinit(&tree->ignored);
    buffer_deinit(&tree->todo);
    buffer_deinit(&tree->scanning);
    tree->events->closed(tree);
}

static void close_now(struct folder_tree *tree) {
    uv_close((uv_handle_t *)&tree->poll, on_poll_closed);
}

void folder_tree_close(struct folder_tree *tree) {
    if (tree->closing)
        return;
    tree->closing = true;
    atomic_store(&tree->stop, true);
    if (!tree->scans)
        close_now(tree);
}
