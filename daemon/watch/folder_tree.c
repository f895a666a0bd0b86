/* The loop's thread reads events and keeps the tables; one piece of work at a time runs in the pool, with the events
 * that came before it. */
#include "daemon/watch/folder_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/list.h"
#include "base/place.h"

#define EVENTS_BYTES 65536

/* Folders that one reading of events may drop one by one. */
#define DROPS_MAX 64

/* While a scan runs, its size is looked at so often. */
#define SIZE_MS 50

/* Sources that are reported in one turn of the loop: a few milliseconds of work. */
#define TAKEN_MAX 2000

static void tree_start_work(struct folder_tree *tree);

/* Stops following the folder and everything below it. That takes as long as there are folders. So where many go at once
 * everything is scanned again, in the thread pool. */
static void tree_drop(struct folder_tree *tree, const char *path) {
    if (++tree->drops > DROPS_MAX) {
        tree->todo_all = true;
        return;
    }
    ignore_list_remove(&tree->ignored, path);
    folder_table_unfollow(&tree->folders, tree->fd, path);
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
    const char *folder = folder_table_get(&tree->folders, event->wd);
    if (folder == NULL)
        return;
    if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) {
        if (tree_is_root(tree, folder))
            tree->todo_all = true; /* finds out what is left */
        if (event->mask & (IN_IGNORED | IN_DELETE_SELF)) {
            paths_add(&tree->gone, folder);
            folder_table_remove(&tree->folders, event->wd);
        }
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

/* Forgets the rules of folders that are gone. */
static void tree_forget_rules(struct folder_tree *tree) {
    const char **folders = NULL;
    size_t count = 0;
    for (size_t at = 0; at < tree->gone.len; at += strlen(tree->gone.data + at) + 1) {
        folders = xrealloc(folders, (count + 1) * sizeof *folders);
        folders[count++] = tree->gone.data + at;
    }
    ignore_list_remove_exactly(&tree->ignored, folders, count);
    free(folders);
    buffer_deinit(&tree->gone);
}

static void tree_on_readable(uv_poll_t *poll, int status, int events) {
    struct folder_tree *tree = list_entry(poll, struct folder_tree, poll);
    _Alignas(struct inotify_event) char bytes[EVENTS_BYTES];
    ssize_t got = status < 0 ? -1 : read(tree->fd, bytes, sizeof bytes);
    tree->drops = 0;
    for (const char *at = bytes; got > 0 && at < bytes + got;) {
        const struct inotify_event *event = (const struct inotify_event *)at;
        tree_take_event(tree, event);
        at += sizeof *event + event->len;
    }
    tree_forget_rules(tree);
    if (tree->todo_all || tree->new_folders.len > 0 || tree->changed.len > 0)
        tree_start_work(tree);
    tree->events->resized(tree);
}

/* In the pool. Whether the owner means other folders. Later on, the folders may be replaced by others. */
static bool work_compare_places(struct folder_tree *tree) {
    for (size_t i = 0; i < tree->place_count; i++)
        tree->is_foreign = tree->is_foreign || !place_is_here(AT_FDCWD, tree->places[i]);
    tree->place_count = 0;
    return tree->is_foreign;
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
    folder_table_unfollow(&tree->work_dropped, tree->fd, "/");
    if (work_compare_places(tree))
        return;
    if (tree->work_all)
        work_scan_all(tree);
    for (size_t at = 0; at < folders->len; at += strlen(folders->data + at) + 1)
        folder_scan_run_new(&tree->scan, folders->data + at);
    for (size_t at = 0; at < changed->len; at += strlen(changed->data + at) + 1)
        folder_scan_judge(&tree->scan, changed->data + at);
}

static void tree_fail(struct folder_tree *tree) {
    const char *why = tree->is_foreign ? "the daemon is in another mount namespace or root than the client, and sees "
                                         "other folders at these paths"
                      : tree->scan.error == ENOSPC
                          ? "there are more folders than inotify may follow (fs.inotify.max_user_watches)"
                      : tree->scan.error != 0 ? strerror(tree->scan.error)
                                              : "none of the folders is there any more";
    tree->events->failed(tree, why);
}

/* Reports the next of the sources that the scan has found: those that have changed, then those that it has met. */
static void tree_report_some(struct folder_tree *tree) {
    const struct found_files *changed = &tree->scan.changed, *met = &tree->scan.files;
    for (unsigned n = 0; n < TAKEN_MAX && tree->taken < changed->count + met->count; n++, tree->taken++) {
        bool is_met = tree->taken >= changed->count;
        tree->events->source(tree, is_met ? met->paths[tree->taken - changed->count] : changed->paths[tree->taken],
                             is_met);
    }
}

static void tree_end_work(struct folder_tree *tree) {
    bool failed = tree->is_foreign || tree->scan.error != 0 || tree->roots_missing == tree->root_count;
    tree->works = tree->scanned = false;
    folder_scan_deinit(&tree->scan);
    tree->events->resized(tree);
    if (failed) {
        tree_fail(tree);
        return;
    }
    tree->events->scanned(tree);
    uv_poll_start(&tree->poll, UV_READABLE, tree_on_readable);
}

/* Reports a part of the sources in each turn of the loop. */
static void tree_on_timer(uv_timer_t *timer) {
    struct folder_tree *tree = list_entry(timer, struct folder_tree, timer);
    tree->events->resized(tree);
    if (!tree->scanned)
        return;
    tree_report_some(tree);
    if (tree->taken < tree->scan.changed.count + tree->scan.files.count)
        uv_timer_start(timer, tree_on_timer, 0, 0);
    else
        tree_end_work(tree);
}

/* Takes over the folders and rules that the scan has found. */
static void tree_take_folders(struct folder_tree *tree) {
    struct folder_scan *scan = &tree->scan;
    for (size_t i = 0; i < scan->folder_count; i++) {
        folder_table_put(&tree->folders, scan->folders[i].wd, scan->folders[i].path);
        scan->folders[i].path = NULL;
    }
    ignore_list_merge(&tree->ignored, &scan->ignored);
}

static void tree_close_now(struct folder_tree *tree);

static void work_done(uv_work_t *work, int status) {
    struct folder_tree *tree = list_entry(work, struct folder_tree, work);
    tree->scanned = true;
    if (tree->closing) {
        tree_close_now(tree);
        return;
    }
    tree_take_folders(tree);
    uv_timer_stop(&tree->timer);
    tree_on_timer(&tree->timer);
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
        folder_table_deinit(&tree->work_dropped); /* empty since the scan before, but not without memory */
        tree->work_dropped = tree->folders;
        tree->folders = (struct folder_table){0};
        ignore_list_deinit(&tree->ignored);
        buffer_deinit(&tree->new_folders);
        tree->roots_missing = 0;
        tree->todo_all = false;
    }
    paths_move(&tree->work_folders, &tree->new_folders);
    paths_move(&tree->work_changed, &tree->changed);
    tree->scan = (struct folder_scan){
        .inotify_fd = tree->fd,
        .known = &tree->ignored,
        .ignored.elsewhere = tree->ignored.bytes,
        .stop = &tree->stop,
    };
    tree->taken = 0;
    tree->works = true;
    uv_timer_start(&tree->timer, tree_on_timer, SIZE_MS, SIZE_MS);
    uv_queue_work(tree->poll.loop, &tree->work, work_run, work_done);
}

int folder_tree_init(struct folder_tree *tree, uv_loop_t *loop, char **roots, size_t root_count, char **places,
                     size_t place_count, const struct folder_tree_events *events) {
    *tree = (struct folder_tree){
        .events = events, .roots = roots, .root_count = root_count, .places = places, .place_count = place_count};
    tree->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (tree->fd < 0)
        return -errno;
    int status = uv_poll_init(loop, &tree->poll, tree->fd);
    if (status < 0) {
        close(tree->fd);
        return status;
    }
    uv_timer_init(loop, &tree->timer);
    tree->todo_all = true;
    tree_start_work(tree);
    return 0;
}

size_t folder_tree_size(const struct folder_tree *tree) {
    return folder_table_size(&tree->folders) + tree->ignored.bytes + atomic_load(&tree->scan.bytes) +
           tree->new_folders.len + tree->changed.len + tree->work_folders.len + tree->work_changed.len;
}

static void tree_on_timer_closed(uv_handle_t *handle) {
    struct folder_tree *tree = list_entry(handle, struct folder_tree, timer);
    close(tree->fd);
    folder_table_deinit(&tree->folders);
    folder_table_deinit(&tree->work_dropped);
    folder_scan_deinit(&tree->scan);
    ignore_list_deinit(&tree->ignored);
    buffer_deinit(&tree->new_folders);
    buffer_deinit(&tree->changed);
    buffer_deinit(&tree->work_folders);
    buffer_deinit(&tree->work_changed);
    tree->events->closed(tree);
}

static void tree_on_poll_closed(uv_handle_t *handle) {
    struct folder_tree *tree = list_entry(handle, struct folder_tree, poll);
    uv_close((uv_handle_t *)&tree->timer, tree_on_timer_closed);
}

static void tree_close_now(struct folder_tree *tree) {
    uv_close((uv_handle_t *)&tree->poll, tree_on_poll_closed);
}

void folder_tree_close(struct folder_tree *tree) {
    if (tree->closing)
        return;
    tree->closing = true;
    uv_timer_stop(&tree->timer);
    atomic_store(&tree->stop, true);
    if (!tree->works || tree->scanned)
        tree_close_now(tree);
}
