/* The loop's thread reads events and keeps the tables; one piece of work at a time runs in the pool, with the events
 * that came before it. */
#include "daemon/watch/folder_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/list.h"

#define EVENTS_BYTES 65536

static void tree_start_work(struct folder_tree *tree);

static char *tree_folder(const struct folder_tree *tree, int wd) {
    return wd >= 0 && (size_t)wd < tree->folders_cap ? tree->folders[wd] : NULL;
}

static void tree_remember(struct folder_tree *tree, int wd, char *path) {
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

static void tree_forget(struct folder_tree *tree, int wd) {
    if (tree_folder(tree, wd) == NULL)
        return;
    free(tree->folders[wd]);
    tree->folders[wd] = NULL;
    tree->folder_count--;
}

/* Stops following the folder and everything below it. */
static void tree_drop(struct folder_tree *tree, const char *path) {
    ignore_list_remove(&tree->ignored, path);
    for (size_t wd = 0; wd < tree->folders_cap; wd++) {
        if (tree->folders[wd] == NULL || !ignore_list_is_within(tree->folders[wd], path))
            continue;
        inotify_rm_watch(tree->fd, (int)wd);
        tree_forget(tree, (int)wd);
    }
}

static void tree_drop_all(struct folder_tree *tree) {
    tree_drop(tree, "/");
    ignore_list_deinit(&tree->ignored);
}

static bool tree_is_root(const struct folder_tree *tree, const char *path) {
    for (size_t i = 0; i < tree->root_count; i++)
        if (strcmp(tree->roots[i], path) == 0)
            return true;
    return false;
}

static void paths_add(struct buffer *paths, const char *path) {
    buffer_append(paths, path, strlen(path) + 1);
}

static void tree_take_folder_event(struct folder_tree *tree, const char *path, uint32_t mask) {
    if (mask & IN_MOVED_FROM)
        tree_drop(tree, path);
    else if (mask & (IN_CREATE | IN_MOVED_TO))
        paths_add(&tree->new_folders, path);
}

static void tree_take_file_event(struct folder_tree *tree, const char *path, const char *name, uint32_t mask) {
    if (strcmp(name, ".gitignore") == 0) {
        tree->todo_all = true;
        return;
    }
    if (mask & (IN_CLOSE_WRITE | IN_MOVED_TO) && folder_scan_is_source(name))
        paths_add(&tree->changed, path);
}

static void tree_take_event(struct folder_tree *tree, const struct inotify_event *event) {
    if (event->mask & IN_Q_OVERFLOW) {
        tree->todo_all = true;
        return;
    }
    const char *folder = tree_folder(tree, event->wd);
    if (folder == NULL)
        return;
    if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) {
        if (tree_is_root(tree, folder))
            tree->todo_all = true; /* finds out what is left */
        if (event->mask & (IN_IGNORED | IN_DELETE_SELF))
            tree_forget(tree, event->wd);
        return;
    }
    if (event->len == 0)
        return;
    char *path = xasprintf("%s/%s", strcmp(folder, "/") == 0 ? "" : folder, event->name);
    if (event->mask & IN_ISDIR)
        tree_take_folder_event(tree, path, event->mask);
    else
        tree_take_file_event(tree, path, event->name, event->mask);
    free(path);
}

static void tree_on_readable(uv_poll_t *poll, int status, int events) {
    struct folder_tree *tree = list_entry(poll, struct folder_tree, poll);
    _Alignas(struct inotify_event) char bytes[EVENTS_BYTES];
    ssize_t got = status < 0 ? -1 : read(tree->fd, bytes, sizeof bytes);
    for (const char *at = bytes; got > 0 && at < bytes + got && !tree->closing;) {
        const struct inotify_event *event = (const struct inotify_event *)at;
        tree_take_event(tree, event);
        at += sizeof *event + event->len;
    }
    if (!tree->closing && (tree->todo_all || tree->new_folders.len > 0 || tree->changed.len > 0))
        tree_start_work(tree);
}

/* In the pool. */
static void work_scan_all(struct folder_tree *tree) {
    for (size_t i = 0; i < tree->root_count; i++)
        ignore_list_read_above(&tree->scan.ignored, tree->roots[i]);
    for (size_t i = 0; i < tree->root_count; i++)
        tree->roots_missing += !folder_scan_run(&tree->scan, tree->roots[i]);
}

/* In the pool. Sources that have changed are judged last, by the .gitignore files that the scan has read too. */
static void work_run(uv_work_t *work) {
    struct folder_tree *tree = list_entry(work, struct folder_tree, work);
    const struct buffer *folders = &tree->work_folders, *changed = &tree->work_changed;
    if (tree->work_all)
        work_scan_all(tree);
    for (size_t at = 0; at < folders->len; at += strlen(folders->data + at) + 1)
        folder_scan_run_new(&tree->scan, folders->data + at);
    for (size_t at = 0; at < changed->len; at += strlen(changed->data + at) + 1)
        folder_scan_judge(&tree->scan, changed->data + at);
}

static void tree_fail(struct folder_tree *tree) {
    const char *why = tree->scan.error == ENOSPC
                          ? "there are more folders than inotify may follow (fs.inotify.max_user_watches)"
                      : tree->scan.error != 0 ? strerror(tree->scan.error)
                                              : "none of the folders is there any more";
    tree->events->failed(tree, why);
}

/* Takes over the findings of the work. */
static void tree_take_scan(struct folder_tree *tree) {
    struct folder_scan *scan = &tree->scan;
    for (size_t i = 0; i < scan->folder_count; i++) {
        tree_remember(tree, scan->folders[i].wd, scan->folders[i].path);
        scan->folders[i].path = NULL;
    }
    ignore_list_merge(&tree->ignored, &scan->ignored);
    for (size_t i = 0; i < scan->changed.count && !tree->closing; i++)
        tree->events->source(tree, scan->changed.paths[i], false);
    for (size_t i = 0; i < scan->files.count && !tree->closing; i++)
        tree->events->source(tree, scan->files.paths[i], true);
}

static void tree_close_now(struct folder_tree *tree);

static void work_done(uv_work_t *work, int status) {
    struct folder_tree *tree = list_entry(work, struct folder_tree, work);
    tree->works = false;
    if (!tree->closing)
        tree_take_scan(tree);
    bool failed = tree->scan.error != 0 || tree->roots_missing == tree->root_count;
    if (tree->closing)
        tree_close_now(tree);
    else if (failed)
        tree_fail(tree);
    else
        tree->events->scanned(tree);
    if (!tree->works) /* else the owner has started other work from a callback */
        folder_scan_deinit(&tree->scan);
    if (!tree->closing && !failed)
        uv_poll_start(&tree->poll, UV_READABLE, tree_on_readable);
}

/* Moves a buffer. */
static void paths_move(struct buffer *to, struct buffer *from) {
    buffer_deinit(to);
    *to = *from;
    *from = (struct buffer){0};
}

static void tree_start_work(struct folder_tree *tree) {
    uv_poll_stop(&tree->poll);
    tree->work_all = tree->todo_all;
    if (tree->todo_all) {
        tree_drop_all(tree);
        buffer_deinit(&tree->new_folders);
        tree->roots_missing = 0;
        tree->todo_all = false;
    }
    paths_move(&tree->work_folders, &tree->new_folders);
    paths_move(&tree->work_changed, &tree->changed);
    tree->scan = (struct folder_scan){.inotify_fd = tree->fd, .known = &tree->ignored, .stop = &tree->stop};
    tree->works = true;
    uv_queue_work(tree->poll.loop, &tree->work, work_run, work_done);
}

int folder_tree_init(struct folder_tree *tree, uv_loop_t *loop, char **roots, size_t root_count,
                     const struct folder_tree_events *events) {
    *tree = (struct folder_tree){.events = events, .roots = roots, .root_count = root_count};
    tree->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (tree->fd < 0)
        return -errno;
    int status = uv_poll_init(loop, &tree->poll, tree->fd);
    if (status < 0) {
        close(tree->fd);
        return status;
    }
    tree->todo_all = true;
    tree_start_work(tree);
    return 0;
}

static void tree_on_poll_closed(uv_handle_t *handle) {
    struct folder_tree *tree = list_entry(handle, struct folder_tree, poll);
    close(tree->fd);
    for (size_t wd = 0; wd < tree->folders_cap; wd++)
        free(tree->folders[wd]);
    free(tree->folders);
    folder_scan_deinit(&tree->scan);
    ignore_list_deinit(&tree->ignored);
    buffer_deinit(&tree->new_folders);
    buffer_deinit(&tree->changed);
    buffer_deinit(&tree->work_folders);
    buffer_deinit(&tree->work_changed);
    tree->events->closed(tree);
}

static void tree_close_now(struct folder_tree *tree) {
    uv_close((uv_handle_t *)&tree->poll, tree_on_poll_closed);
}

void folder_tree_close(struct folder_tree *tree) {
    if (tree->closing)
        return;
    tree->closing = true;
    atomic_store(&tree->stop, true);
    if (!tree->works)
        tree_close_now(tree);
}
