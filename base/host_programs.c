/* See host_programs.h. */
#include "base/host_programs.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/paths.h"

#define PREFIX "pycompile-host-"

/* Whether the text is "MAJOR.MINOR" and nothing else. */
static bool is_version(const char *text) {
    unsigned major, minor;
    int len = 0;
    return sscanf(text, "%u.%u%n", &major, &minor, &len) == 2 && text[len] == '\0';
}

static void add(struct host_programs *programs, const char *folder, const char *name) {
    const char *python = name + strlen(PREFIX);
    for (unsigned i = 0; i < programs->count; i++)
        if (strcmp(programs->items[i].python, python) == 0)
            return;
    char *path = xasprintf("%s/%s", folder, name);
    if (access(path, X_OK) < 0) {
        free(path);
        return;
    }
    programs->items = xrealloc(programs->items, (programs->count + 1) * sizeof *programs->items);
    programs->items[programs->count++] = (struct host_program){xstrdup(python), path};
}

static void scan(struct host_programs *programs, const char *folder) {
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0 && is_version(entry->d_name + strlen(PREFIX)))
            add(programs, folder, entry->d_name);
    closedir(dir);
}

static int newest_first(const void *a, const void *b) {
    unsigned x[2], y[2];
    sscanf(((const struct host_program *)a)->python, "%u.%u", &x[0], &x[1]);
    sscanf(((const struct host_program *)b)->python, "%u.%u", &y[0], &y[1]);
    return x[0] != y[0] ? (x[0] < y[0] ? 1 : -1) : x[1] < y[1] ? 1 : x[1] > y[1] ? -1 : 0;
}

void host_programs_find(struct host_programs *programs, const char *first) {
    *programs = (struct host_programs){0};
    struct buffer folders = {0};
    if (first != NULL)
        buffer_append(&folders, first, strlen(first) + 1);
    paths_host_folders(&folders);
    for (size_t at = 0; at < folders.len; at += strlen(folders.data + at) + 1)
        scan(programs, folders.data + at);
    buffer_deinit(&folders);
    if (programs->count > 1)
        qsort(programs->items, programs->count, sizeof *programs->items, newest_first);
}

void host_programs_deinit(struct host_programs *programs) {
    for (unsigned i = 0; i < programs->count; i++) {
        free(programs->items[i].python);
        free(programs->items[i].path);
    }
    free(programs->items);
    *programs = (struct host_programs){0};
}
