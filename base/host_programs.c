/* Reads the folders of hosts, and sorts. */
#include "base/host_programs.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/paths.h"

#define PREFIX "pycompile-host-"

static void host_programs_add(struct host_programs *programs, const char *folder, const char *name) {
    const char *python = name + strlen(PREFIX);
    struct python_version version;
    if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 || !python_version_exact(python, &version))
        return;
    for (unsigned i = 0; i < programs->count; i++)
        if (strcmp(programs->items[i].python, python) == 0)
            return;
    char *path = xasprintf("%s/%s", folder, name);
    if (access(path, X_OK) < 0) {
        free(path);
        return;
    }
    programs->items = xrealloc(programs->items, (programs->count + 1) * sizeof *programs->items);
    programs->items[programs->count++] = (struct host_program){xstrdup(python), path, version};
}

/* Takes note of pycompile-host-X.Y.so. */
static void host_programs_add_object(struct host_programs *programs, const char *name) {
    struct python_version version;
    bool is_new = true;
    size_t len = strlen(name), begin = strlen(PREFIX), end = strlen(".so");
    if (len <= begin + end || strncmp(name, PREFIX, begin) != 0 || strcmp(name + len - end, ".so") != 0)
        return;
    char *text = xstrndup(name + begin, len - begin - end);
    bool is_version = python_version_exact(text, &version);
    for (unsigned i = 0; is_version && i < programs->object_count; i++)
        is_new = is_new && python_version_compare(&programs->objects[i], &version) != 0;
    if (is_version && is_new) {
        programs->objects = xrealloc(programs->objects, (programs->object_count + 1) * sizeof *programs->objects);
        programs->objects[programs->object_count++] = version;
    }
    free(text);
}

static void host_programs_scan(struct host_programs *programs, const char *folder) {
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        host_programs_add(programs, folder, entry->d_name);
        host_programs_add_object(programs, entry->d_name);
    }
    closedir(dir);
}

/* A build with sanitizers has none. */
static void host_programs_find_launcher(struct host_programs *programs, const char *folder) {
    char *path = xasprintf("%s/pycompile-host", folder);
    if (programs->launcher == NULL && access(path, X_OK) == 0)
        programs->launcher = path;
    else
        free(path);
}

static int newest_first(const void *a, const void *b) {
    const struct host_program *x = a, *y = b;
    return python_version_compare(&y->version, &x->version);
}

static int newest_version_first(const void *a, const void *b) {
    const struct python_version *x = a, *y = b;
    return python_version_compare(y, x);
}

void host_programs_find(struct host_programs *programs, const char *first) {
    *programs = (struct host_programs){0};
    struct buffer folders = {0};
    if (first != NULL)
        buffer_append(&folders, first, strlen(first) + 1);
    paths_host_folders(&folders);
    for (size_t at = 0; at < folders.len; at += strlen(folders.data + at) + 1) {
        host_programs_scan(programs, folders.data + at);
        host_programs_find_launcher(programs, folders.data + at);
    }
    buffer_deinit(&folders);
    if (programs->count > 1)
        qsort(programs->items, programs->count, sizeof *programs->items, newest_first);
    if (programs->object_count > 1)
        qsort(programs->objects, programs->object_count, sizeof *programs->objects, newest_version_first);
}

bool host_programs_has_object(const struct host_programs *programs, const struct python_version *version) {
    for (unsigned i = 0; i < programs->object_count; i++)
        if (python_version_compare(&programs->objects[i], version) == 0)
            return programs->launcher != NULL;
    return false;
}

char *host_programs_facts(const struct python_version *version) {
    struct buffer folders = {0};
    char *path = NULL;
    paths_host_folders(&folders);
    for (size_t at = 0; path == NULL && at < folders.len; at += strlen(folders.data + at) + 1) {
        path = xasprintf("%s/" PREFIX "%u.%u.json", folders.data + at, version->major, version->minor);
        if (access(path, R_OK) < 0) {
            free(path);
            path = NULL;
        }
    }
    buffer_deinit(&folders);
    return path;
}

void host_programs_deinit(struct host_programs *programs) {
    for (unsigned i = 0; i < programs->count; i++) {
        free(programs->items[i].python);
        free(programs->items[i].path);
    }
    free(programs->items);
    free(programs->launcher);
    free(programs->objects);
    *programs = (struct host_programs){0};
}
