/* The list is a file of paths, which is replaced as a whole. */
#include "client/ctl/python_list.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host_programs.h"
#include "base/interpreter_file.h"
#include "base/io.h"
#include "base/python_search.h"
#include "client/ctl/ctl.h"
#include "client/ctl/table.h"

static const char help[] =
    "usage: pycompilectl python {add,remove} PATH ...\n"
    "       pycompilectl python list\n"
    "\n"
    "The list of interpreters that are looked at first where a Python version is wanted that no\n"
    "host was built for. An interpreter need not be in it to be named by its path.\n"
    "\n"
    "  add PATH     add an interpreter, or that of a virtual environment\n"
    "  remove PATH  take it from the list\n"
    "  list         show the list\n";

static bool python_list_has(const struct buffer *paths, const char *path) {
    for (size_t at = 0; at < paths->len; at += strlen(paths->data + at) + 1)
        if (strcmp(paths->data + at, path) == 0)
            return true;
    return false;
}

/* Makes the folders of the file. */
static void python_list_make_folders(const char *file) {
    char *path = xstrdup(file);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700); /* a failure shows when the file is made */
        *slash = '/';
    }
    free(path);
}

/* Writes the paths but `without` (or NULL). Returns 0 or a negative errno value. */
static int python_list_write(const char *file, const struct buffer *paths, const char *without) {
    struct buffer text = {0};
    for (size_t at = 0; at < paths->len; at += strlen(paths->data + at) + 1)
        if (without == NULL || strcmp(paths->data + at, without) != 0)
            buffer_printf(&text, "%s\n", paths->data + at);
    int result = io_replace_file(AT_FDCWD, file, text.data, text.len);
    buffer_deinit(&text);
    return result;
}

/* The interpreter that can be served for that path, with its release; or NULL with a reason. The caller frees both. */
static char *python_list_check(const char *named, char **release, char **why) {
    struct interpreter_file file;
    struct host_programs programs;
    struct python_version version;
    char *absolute = *named == '/' ? xstrdup(named) : NULL, *found = NULL;
    char *folder = absolute ? NULL : getcwd(NULL, 0);
    if (absolute == NULL)
        absolute = xasprintf("%s/%s", folder ? folder : "", named);
    *release = NULL;
    host_programs_find(&programs, NULL);
    if (interpreter_file_find(absolute, &file, why) == 0) {
        *release = python_search_release(file.path);
        if (*release == NULL || !python_version_parse(*release, &version))
            *why = xasprintf("%s is no Python that tells its version", file.path);
        else if (!host_programs_has_object(&programs, &version))
            *why = xasprintf("%s is Python %s: this installation has no host object for %u.%u", file.path, *release,
                             version.major, version.minor);
        else
            found = xstrdup(file.path);
    }
    host_programs_deinit(&programs);
    interpreter_file_deinit(&file);
    free(absolute);
    free(folder);
    return found;
}

static int python_list_add(const char *file, const char *named) {
    struct buffer paths = {0};
    char *why = NULL, *release, *path = python_list_check(named, &release, &why);
    int result = 0;
    python_search_list(&paths);
    if (path != NULL && !python_list_has(&paths, path)) {
        buffer_append(&paths, path, strlen(path) + 1);
        python_list_make_folders(file);
        result = python_list_write(file, &paths, NULL);
    }
    int status = path == NULL ? ctl_fail(why) : result < 0 ? ctl_fail(xasprintf("%s: %s", file, strerror(-result))) : 0;
    if (status == 0)
        printf("%s: Python %s\n", path, release);
    buffer_deinit(&paths);
    free(release);
    free(path);
    return status;
}

/* By the path in the list, or by any name of that interpreter. */
static int python_list_remove(const char *file, const char *named) {
    struct buffer paths = {0};
    struct interpreter_file found;
    char *why = NULL;
    python_search_list(&paths);
    const char *path = named;
    if (interpreter_file_find(named, &found, &why) == 0 && !python_list_has(&paths, named))
        path = found.path;
    int result = python_list_has(&paths, path) ? python_list_write(file, &paths, path) : -ENOENT;
    int status = result == 0 ? 0
                             : ctl_fail(result == -ENOENT ? xasprintf("%s is not in the list", named)
                                                          : xasprintf("%s: %s", file, strerror(-result)));
    free(why);
    interpreter_file_deinit(&found);
    buffer_deinit(&paths);
    return status;
}

static int python_list_show(void) {
    struct buffer paths = {0};
    struct table table = {0};
    python_search_list(&paths);
    table_row(&table);
    table_add(&table, "VERSION");
    table_add(&table, "INTERPRETER");
    for (size_t at = 0; at < paths.len; at += strlen(paths.data + at) + 1) {
        char *why = NULL, *release, *path = python_list_check(paths.data + at, &release, &why);
        table_row(&table);
        table_add(&table, "%s", path ? release : "-");
        table_add(&table, "%s%s%s", paths.data + at, why ? ": " : "", why ? why : "");
        free(why);
        free(release);
        free(path);
    }
    if (paths.len > 0)
        table_print(&table);
    else
        puts("no interpreter is in the list");
    table_deinit(&table);
    buffer_deinit(&paths);
    return 0;
}

int python_list_run(int argc, char **argv) {
    const char *word = argv[0];
    bool shows = strcmp(word, "list") == 0;
    if (argc > 1 && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)) {
        fputs(help, stdout);
        return ctl_finish(0);
    }
    if (shows != (argc == 1)) {
        fputs(help, stderr);
        return 2;
    }
    char *file = python_search_list_file();
    int status = file == NULL ? ctl_fail(xstrdup("neither XDG_CONFIG_HOME nor HOME is set")) : 0;
    if (status == 0 && shows)
        status = python_list_show();
    for (int i = 1; file != NULL && i < argc; i++)
        status |= strcmp(word, "add") == 0 ? python_list_add(file, argv[i]) : python_list_remove(file, argv[i]);
    free(file);
    return ctl_finish(status);
}
