/* pycompilectl python: the hosts of this installation. Needs no daemon. */
#include "client/ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host_programs.h"
#include "base/io.h"
#include "base/python_search.h"
#include "client/ctl/python_list.h"
#include "client/ctl/table.h"
#include "client/python_wish.h"
#include "proto/json.h"

/* Longest answer to --version. */
#define VERSION_MAX 256

static const char help[] = "usage: pycompilectl python [-h] [--json]\n"
                           "       pycompilectl python {add,remove} PATH ...\n"
                           "       pycompilectl python list\n"
                           "\n"
                           "Show for which Python versions this installation can compile. The default is the newest,\n"
                           "unless the daemon was started with --python; PYCOMPILE_PYTHON sets a client's own.\n"
                           "\n"
                           "  add PATH     add an interpreter to those that are looked at first where a version is\n"
                           "               wanted that no host was built for\n"
                           "  remove PATH  take it from that list\n"
                           "  list         show the list\n"
                           "\n"
                           "options:\n"
                           "  -h, --help  show this help message and exit\n"
                           "  --json      print a JSON array\n";

/* A host's file, without links, and its --version; NULL if it does not run. */
struct host {
    char *python; /* "3.13" */
    char *path;
    char *version;
    char *interpreter; /* that the host is run in, where no host was built for one; else NULL */
};

/* The default comes first. */
struct hosts {
    struct host_programs programs;
    struct host *items;
    size_t count;
};

/* The program's output for --version, without the newline; NULL if it fails. */
static char *ask_version(const char *path) {
    struct buffer text = {0};
    const char *const argv[] = {path, "--version", NULL};
    int status = io_run(&(struct io_program){.path = path,
                                             .argv = argv,
                                             .read_fd = STDOUT_FILENO,
                                             .limit = VERSION_MAX,
                                             .deadline = clock_ms() + CTL_DEADLINE_MS,
                                             .wake_fd = -1},
                        &text);
    char *version = status == 0 && text.len > 0 ? xstrndup(text.data, strcspn(buffer_string(&text), "\r\n")) : NULL;
    buffer_deinit(&text);
    return version;
}

static char *real_path(const char *path) {
    char *real = realpath(path, NULL);
    return real ? real : xstrdup(path);
}

/* The interpreter that serves a version for which no host was built, if there is one. */
static void hosts_add_interpreter(struct hosts *hosts, const struct python_version *version) {
    for (unsigned i = 0; i < hosts->programs.count; i++)
        if (python_version_compare(&hosts->programs.items[i].version, version) == 0)
            return;
    char *path = python_search_find(version, NULL);
    if (path != NULL)
        hosts->items[hosts->count++] =
            (struct host){xasprintf("%u.%u", version->major, version->minor), real_path(hosts->programs.launcher),
                          python_search_release(path), path};
}

static void find_hosts(struct hosts *hosts) {
    struct host_programs *programs = &hosts->programs;
    host_programs_find(programs, NULL);
    hosts->items = xcalloc(programs->count + programs->object_count, sizeof *hosts->items);
    for (; hosts->count < programs->count; hosts->count++) {
        const struct host_program *program = &programs->items[hosts->count];
        char *path = real_path(program->path);
        hosts->items[hosts->count] = (struct host){xstrdup(program->python), path, ask_version(path), NULL};
    }
    for (unsigned i = 0; programs->launcher != NULL && i < programs->object_count; i++)
        hosts_add_interpreter(hosts, &programs->objects[i]);
}

static void free_hosts(struct hosts *hosts) {
    for (size_t i = 0; i < hosts->count; i++) {
        free(hosts->items[i].python);
        free(hosts->items[i].path);
        free(hosts->items[i].version);
        free(hosts->items[i].interpreter);
    }
    free(hosts->items);
    host_programs_deinit(&hosts->programs);
}

static cJSON *build(const struct hosts *hosts) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < hosts->count; i++) {
        const struct host *host = &hosts->items[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(list, item);
        cJSON_AddStringToObject(item, "python", host->python);
        json_add_string_or_null(item, "version", host->version);
        cJSON_AddStringToObject(item, "path", host->path);
        if (host->interpreter != NULL)
            cJSON_AddStringToObject(item, "interpreter", host->interpreter);
        cJSON_AddBoolToObject(item, "default", i == 0);
    }
    return list;
}

static void print_wish(void) {
    struct python_wish wish;
    char *folder = getcwd(NULL, 0);
    if (python_wish_find(&wish, folder)) {
        if (wish.path != NULL)
            printf("%s is what clients ask for here: %s\n", wish.path, wish.source);
        else if (wish.unknown != NULL)
            printf("\"%s\" is what clients ask for here, and no CPython that is known: %s\n", wish.unknown,
                   wish.source);
        else if (wish.version.major != 0)
            printf("%u.%u%s is what clients ask for here: %s\n", wish.version.major, wish.version.minor,
                   wish.free_threaded ? "t (for which the default build compiles)" : "", wish.source);
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
        table_add(&table, "%s%s", host->python, i == 0 ? "*" : "");
        table_add(&table, "%s", host->version ? host->version : "does not run");
        if (host->interpreter != NULL)
            table_add(&table, "%s --interpreter=%s", host->path, host->interpreter);
        else
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

static bool is_list_word(const char *word) {
    return strcmp(word, "add") == 0 || strcmp(word, "remove") == 0 || strcmp(word, "list") == 0;
}

int ctl_python(int argc, char **argv) {
    bool json = false;
    if (argc > 1 && is_list_word(argv[1]))
        return python_list_run(argc - 1, argv + 1);
    ctl_options(argc, argv, &(struct ctl_options){.help = help, .json = &json});
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
        ctl_fail(xstrdup("no pycompile-host-X.Y is found beside this program, nor an interpreter for its objects"));
    }
    free_hosts(&hosts);
    return ctl_finish(status);
}
