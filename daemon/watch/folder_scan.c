/* Breadth first: the folders that are still to be read wait in a buffer of paths. */
#include "daemon/watch/folder_scan.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/buffer.h"

#define EVENTS                                                                                                         \
    (IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |           \
     IN_DONT_FOLLOW | IN_EXCL_UNLINK)

static void scan_count_path(struct folder_scan *scan, const char *path, size_t entry_bytes) {
    atomic_fetch_add(&scan->bytes, strlen(path) + 1 + ALLOCATION_BYTES + entry_bytes);
}

static void scan_read_rules(struct folder_scan *scan, const char *folder) {
    size_t before = scan->ignored.bytes;
    ignore_list_read(&scan->ignored, folder);
    atomic_fetch_add(&scan->bytes, scan->ignored.bytes - before);
}

bool folder_scan_is_source(const char *name) {
    size_t len = strlen(name);
    return len > 3 && strcmp(name + len - 3, ".py") == 0;
}

static bool scan_add_folder(struct folder_scan *scan, const char *path) {
    int wd = inotify_add_watch(scan->inotify_fd, path, EVENTS);
    if (wd < 0) {
        if ((errno == ENOSPC || errno == ENOMEM) && scan->error == 0)
            scan->error = errno;
        return false;
    }
    scan->folders = xrealloc(scan->folders, (scan->folder_count + 1) * sizeof *scan->folders);
    scan->folders[scan->folder_count++] = (struct found_folder){wd, xstrdup(path)};
    scan_count_path(scan, path, sizeof *scan->folders);
    return true;
}

static void files_add(struct found_files *files, char *path) {
    files->paths = xrealloc(files->paths, (files->count + 1) * sizeof *files->paths);
    files->paths[files->count++] = path;
}

static void files_deinit(struct found_files *files) {
    for (size_t i = 0; i < files->count; i++)
        free(files->paths[i]);
    free(files->paths);
    *files = (struct found_files){0};
}

static unsigned char type_of(const struct dirent *entry, const char *path) {
    struct stat st;
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type;
    return lstat(path, &st) < 0 ? DT_UNKNOWN : S_ISDIR(st.st_mode) ? DT_DIR : S_ISLNK(st.st_mode) ? DT_LNK : DT_REG;
}

/* Takes a file, or puts a folder on the list of those that are still to be read. */
static void scan_take_entry(struct folder_scan *scan, const char *folder, const struct dirent *entry,
                            struct buffer *todo) {
    char *path = xasprintf("%s/%s", strcmp(folder, "/") == 0 ? "" : folder, entry->d_name);
    unsigned char type = type_of(entry, path);
    bool is_folder = type == DT_DIR;
    bool wanted = is_folder || (folder_scan_is_source(entry->d_name) && (type == DT_REG || type == DT_LNK));
    if (!wanted || ignore_list_has(scan->known, &scan->ignored, path, is_folder)) {
        free(path);
        return;
    }
    scan_count_path(scan, path, sizeof path);
    if (!is_folder) {
        files_add(&scan->files, path);
        return;
    }
    buffer_append(todo, path, strlen(path) + 1);
    free(path);
}

/* Whether the folder was there. */
static bool scan_read_folder(struct folder_scan *scan, const char *folder, struct buffer *todo) {
    if (!scan_add_folder(scan, folder))
        return false;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return true;
    scan_read_rules(scan, folder);
    for (const struct dirent *entry; !atomic_load(scan->stop) && (entry = readdir(dir)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            scan_take_entry(scan, folder, entry, todo);
    closedir(dir);
    return true;
}

bool folder_scan_run(struct folder_scan *scan, const char *folder) {
    struct buffer todo = {0};
    bool there = scan_read_folder(scan, folder, &todo);
    for (size_t at = 0; at < todo.len && scan->error == 0 && !atomic_load(scan->stop);) {
        char *path = xstrdup(todo.data + at); /* the list grows, and may move */
        at += strlen(path) + 1;
        scan_read_folder(scan, path, &todo);
        free(path);
    }
    buffer_deinit(&todo);
    return there;
}

void folder_scan_run_new(struct folder_scan *scan, const char *folder) {
    if (!ignore_list_has(scan->known, &scan->ignored, folder, true))
        (void)folder_scan_run(scan, folder); /* where it is gone again there is nothing to follow */
}

void folder_scan_judge(struct folder_scan *scan, const char *path) {
    if (atomic_load(scan->stop) || ignore_list_has(scan->known, &scan->ignored, path, false))
        return;
    scan_count_path(scan, path, sizeof path);
    files_add(&scan->changed, xstrdup(path));
}

void folder_scan_deinit(struct folder_scan *scan) {
    for (size_t i = 0; i < scan->folder_count; i++)
        free(scan->folders[i].path);
    free(scan->folders);
    files_deinit(&scan->files);
    files_deinit(&scan->changed);
    ignore_list_deinit(&scan->ignored);
    scan->folders = NULL;
    scan->folder_count = 0;
    atomic_store(&scan->bytes, 0);
}
