/* Enumeration of the Python files of a workspace. */
#include "client/lsp/source_files.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void source_files_push(char ***list, size_t *count, size_t *cap, char *item) {
    if (*count == *cap) {
        *cap = *cap ? 2 * *cap : 16;
        *list = xrealloc(*list, *cap * sizeof **list);
    }
    (*list)[(*count)++] = item;
}

void source_files_add(struct source_files *files, const char *folder) {
    source_files_push(&files->folders, &files->folder_count, &files->folder_cap, xstrdup(folder));
}

void source_files_deinit(struct source_files *files) {
    while (files->folder_count > 0)
        free(files->folders[--files->folder_count]);
    while (files->file_count > 0)
        free(files->files[--files->file_count]);
    free(files->folders);
    free(files->files);
    *files = (struct source_files){0};
}

static bool source_files_skips(const char *name) {
    return name[0] == '.' || strcmp(name, "__pycache__") == 0 || strcmp(name, "node_modules") == 0;
}

static bool source_files_is_source(const char *name) {
    size_t len = strlen(name);
    return len > 3 && strcmp(name + len - 3, ".py") == 0;
}

static bool source_files_is_environment(const char *folder) {
    char *path = xasprintf("%s/pyvenv.cfg", folder);
    bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

static void source_files_take_entry(struct source_files *files, const char *folder, const struct dirent *entry) {
    struct stat st;
    if (source_files_skips(entry->d_name))
        return;
    char *path = xasprintf("%s/%s", strcmp(folder, "/") == 0 ? "" : folder, entry->d_name);
    bool is_folder =
        entry->d_type == DT_DIR || (entry->d_type == DT_UNKNOWN && lstat(path, &st) == 0 && S_ISDIR(st.st_mode));
    if (is_folder)
        source_files_push(&files->folders, &files->folder_count, &files->folder_cap, path);
    else if (source_files_is_source(entry->d_name))
        source_files_push(&files->files, &files->file_count, &files->file_cap, path);
    else
        free(path);
}

static int source_files_compare_backwards(const void *a, const void *b) {
    return strcmp(*(char *const *)b, *(char *const *)a);
}

static void source_files_read_folder(struct source_files *files, const char *folder) {
    DIR *dir = source_files_is_environment(folder) ? NULL : opendir(folder);
    size_t first = files->folder_count;
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        source_files_take_entry(files, folder, entry);
    closedir(dir);
    if (files->file_count > 0)
        qsort(files->files, files->file_count, sizeof *files->files, source_files_compare_backwards);
    if (files->folder_count > first)
        qsort(files->folders + first, files->folder_count - first, sizeof *files->folders,
              source_files_compare_backwards);
}

enum source_files_step source_files_next(struct source_files *files, char **path) {
    if (files->file_count > 0) {
        *path = files->files[--files->file_count];
        return SOURCE_FILES_READY;
    }
    if (files->folder_count == 0)
        return SOURCE_FILES_END;
    char *folder = files->folders[--files->folder_count];
    source_files_read_folder(files, folder);
    free(folder);
    return SOURCE_FILES_MORE;
}
