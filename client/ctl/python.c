/* pycompilectl python: the hosts of this installation. Needs no daemon. */
#include "client/ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host_programs.h"
#include "base/io.h"
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
    const struct host_program *program;
    char *path;
    char *version;
};

struct hosts {
    struct host_programs programs;
    struct host *items; /* programs.count of them */
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

static void find_hosts(struct hosts *hosts) {
    host_programs_find(&hosts->programs, NULL);
    hosts->items = xcalloc(hosts->programs.count, sizeof *hosts->items);
    for (size_t i = 0; i < hosts->programs.count; i++) {
        const struct host_program *program = &hosts->programs.items[i];
        char *real = realpath(program->path, NULL), *path = real ? real : xstrdup(program->path);
        hosts->items[i] = (struct host){program, path, ask_version(path)};
    }
}

static void free_hosts(struct hosts *hosts) {
    for (size_t i = 0; i < hosts->programs.count; i++) {
        free(hosts->items[i].path);
        free(hosts->items[i].version);
    }
    free(hosts->items);
    host_programs_deinit(&hosts->programs);
}

static cJSON *build(const struct hosts *hosts) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < hosts->programs.count; i++) {
        const struct host *host = &hosts->items[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(list, item);
        cJSON_AddStringToObject(item, "python", host->program->python);
        json_add_string_or_null(item, "version", host->version);
        cJSON_AddStringToObject(item, "path", host->path);
        cJSON_AddBoolToObject(item, "default", i == 0);
    }
    return list;
}

static void print_wish(void) {
    struct python_wish wish;
    char *folder = getcwd(NULL, 0);
    if (python_wish_find(&wish, folder)) {
        if (wish.unknown != NULL)
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
    for (size_t i = 0; i < hosts->programs.count; i++) {
        const struct host *host = &hosts->items[i];
        table_row(&table);
        table_add(&table, "%s%s", host->program->python, i == 0 ? "*" : "");
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
    int status = hosts.programs.count > 0 ? 0 : 1;
    if (json) {
        cJSON *list = build(&hosts);
        ctl_print_json(list);
        cJSON_Delete(list);
    } else if (hosts.programs.count > 0) {
        print_hosts(&hosts);
    } else {
        ctl_fail(xstrdup("no pycompile-host-X.Y is found beside this program"));
    }
    free_hosts(&hosts);
    return ctl_finish(status);
}
