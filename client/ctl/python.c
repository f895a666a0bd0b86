/* pycompilectl python: which hosts this installation has. Needs no daemon. */
#include "client/ctl/ctl.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/paths.h"
#include "client/ctl/table.h"
#include "client/python_wish.h"
#include "proto/json.h"

#define PREFIX "pycompile-host-"

static const char help[] = "usage: pycompilectl python [-h] [--json]\n"
                           "\n"
                           "Show for which Python versions this installation can compile. The default is the newest,\n"
                           "unless the daemon was started with --python; PYCOMPILE_PYTHON sets a client's own.\n"
                           "\n"
                           "options:\n"
                           "  -h, --help  show this help message and exit\n"
                           "  --json      print a JSON array\n";

struct host {
    unsigned major, minor;
    char *path;
    char *version; /* what --version says; NULL where it does not run */
};

struct hosts {
    struct host *items;
    size_t count;
};

/* What the program prints with --version, without its newline; NULL where it fails. */
static char *ask_version(const char *path) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return NULL;
    char *const argv[] = {(char *)path, (char *)"--version", NULL};
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
    pid_t pid;
    int error = posix_spawn(&pid, path, &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    close(ends[1]);
    struct buffer text = {0};
    int64_t deadline = clock_ms() + CTL_DEADLINE_MS;
    struct pollfd p = {ends[0], POLLIN, 0};
    ssize_t len = error == 0;
    while (len > 0) {
        if (poll(&p, 1, clock_left(deadline)) <= 0) {
            kill(pid, SIGKILL);
            break;
        }
        len = read(ends[0], buffer_reserve(&text, 256), 256);
        text.len += len > 0 ? (size_t)len : 0;
    }
    close(ends[0]);
    int status = -1;
    if (error == 0)
        waitpid(pid, &status, 0);
    char *version = text.len ? xstrndup(text.data, strcspn(buffer_string(&text), "\r\n")) : NULL;
    buffer_deinit(&text);
    if (status == 0)
        return version;
    free(version);
    return NULL;
}

/* The first folder that has a version wins, as for the daemon. */
static void add_host(struct hosts *hosts, const char *folder, const char *name) {
    struct host host = {0};
    int len = 0;
    const char *text = name + strlen(PREFIX);
    if (sscanf(text, "%u.%u%n", &host.major, &host.minor, &len) != 2 || text[len] != '\0')
        return;
    for (size_t i = 0; i < hosts->count; i++)
        if (hosts->items[i].major == host.major && hosts->items[i].minor == host.minor)
            return;
    host.path = xasprintf("%s/%s", folder, name);
    if (access(host.path, X_OK) < 0) {
        free(host.path);
        return;
    }
    char *real = realpath(host.path, NULL);
    if (real != NULL) {
        free(host.path);
        host.path = real;
    }
    hosts->items = xrealloc(hosts->items, (hosts->count + 1) * sizeof *hosts->items);
    hosts->items[hosts->count++] = host;
}

static void scan_folder(struct hosts *hosts, const char *folder) {
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0)
            add_host(hosts, folder, entry->d_name);
    closedir(dir);
}

static int newest_first(const void *a, const void *b) {
    const struct host *x = a, *y = b;
    if (x->major != y->major)
        return x->major < y->major ? 1 : -1;
    return x->minor < y->minor ? 1 : x->minor > y->minor ? -1 : 0;
}

static void find_hosts(struct hosts *hosts) {
    struct buffer folders = {0};
    paths_host_folders(&folders);
    for (size_t at = 0; at < folders.len; at += strlen(folders.data + at) + 1)
        scan_folder(hosts, folders.data + at);
    buffer_deinit(&folders);
    if (hosts->count > 1)
        qsort(hosts->items, hosts->count, sizeof *hosts->items, newest_first);
    for (size_t i = 0; i < hosts->count; i++)
        hosts->items[i].version = ask_version(hosts->items[i].path);
}

static void free_hosts(struct hosts *hosts) {
    for (size_t i = 0; i < hosts->count; i++) {
        free(hosts->items[i].path);
        free(hosts->items[i].version);
    }
    free(hosts->items);
}

static cJSON *build(const struct hosts *hosts) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < hosts->count; i++) {
        const struct host *host = &hosts->items[i];
        cJSON *item = cJSON_CreateObject();
        char *python = xasprintf("%u.%u", host->major, host->minor);
        cJSON_AddItemToArray(list, item);
        cJSON_AddStringToObject(item, "python", python);
        json_add_string_or_null(item, "version", host->version);
        cJSON_AddStringToObject(item, "path", host->path);
        cJSON_AddBoolToObject(item, "default", i == 0);
        free(python);
    }
    return list;
}

static void print_wish(void) {
    struct python_wish wish;
    char *folder = getcwd(NULL, 0);
    if (python_wish_find(&wish, folder)) {
        if (wish.version.major != 0)
            printf("%u.%u is what clients ask for here: %s\n", wish.version.major, wish.version.minor, wish.source);
        else
            printf("\"%s\" is what clients ask for here: %s\n", wish.specifier, wish.source);
        python_wish_deinit(&wish);
    }
    free(folder);
}

static void print_hosts(const struct hosts *hosts) {
    struct table table = {0};
    table_row(&table);
    table_add(&table, "PYTHON");
    table_add(&table, "VERSION");
    table_add(&table, "HOST");
    for (size_t i = 0; i < hosts->count; i++) {
        const struct host *host = &hosts->items[i];
        table_row(&table);
        table_add(&table, "%u.%u%s", host->major, host->minor, i == 0 ? "*" : "");
        table_add(&table, "%s", host->version ? host->version : "does not run");
        table_add(&table, "%s", host->path);
    }
    table_print(&table);
    table_deinit(&table);
    const char *own = getenv("PYCOMPILE_PYTHON");
    puts("* the default");
    if (own != NULL && *own != '\0')
        printf("PYCOMPILE_PYTHON=%s is what clients ask for here\n", own);
    else
        print_wish();
}

int ctl_python(int argc, char **argv) {
    bool json = false;
    ctl_options(argc, argv, help, &json, NULL);
    struct hosts hosts = {0};
    find_hosts(&hosts);
    int status = hosts.count > 0 ? 0 : 1;
    if (json) {
        cJSON *list = build(&hosts);
        ctl_print_json(list);
        cJSON_Delete(list);
    } else if (hosts.count > 0) {
        print_hosts(&hosts);
    } else {
        ctl_fail(xstrdup("no pycompile-host-X.Y is found beside this program"));
    }
    free_hosts(&hosts);
    return ctl_finish(status);
}
