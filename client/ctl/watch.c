/* pycompilectl watch: makes the daemon follow folders, and prints what it compiles, until it is interrupted. A
 * daemon that leaves is replaced; files that changed in between are compiled then. */
#include "client/ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/paths.h"
#include "base/place.h"
#include "client/arguments.h"
#include "client/autostart.h"
#include "client/python_choice.h"
#include "client/report.h"
#include "client/request_options.h"
#include "client/stderr_text.h"

#define PROG "pycompilectl watch"

/* The time to scan a tree of a million files. */
#define SCAN_DEADLINE_MS 600000

/* The number of daemons in a row that may go before they have answered. */
#define LOST_MAX 5

static const char usage[] = "usage: " PROG " [-h] [--initial] [--json] [--python X.Y] [-o N] DIR ...\n";

static const char help[] =
    "\n"
    "Compile the Python sources below folders whenever they change, in the background, and say so.\n"
    "What .gitignore names, __pycache__ and the folders of version control are left out.\n"
    "\n"
    "options:\n"
    "  -h, --help      show this help message and exit\n"
    "  --initial       compile at first what is not up to date\n"
    "  --json          print one JSON object for each file that is compiled\n"
    "  --python X.Y    the Python version (default: $PYCOMPILE_PYTHON, else what the project asks\n"
    "                  for, else the daemon's first)\n"
    "  -o, --optimize N\n"
    "                  optimization level: -1, 0, 1 or 2 (default: -1, $PYTHONOPTIMIZE)\n";

struct watching {
    char **folders;
    size_t count;
    bool initial, ended;
    bool connected; /* before: two watches of two builds must not replace each other's daemon for ever */
    unsigned lost;  /* connections, since one has served */
    char *apart;    /* the socket of this process's mount namespace, once it is used; or NULL */
    struct request_options shared;
    struct report report;
    struct progress progress; /* none is shown */
};

static char *watch_take(int id, const char *value, void *context) {
    (void)id, (void)value, (void)context;
    fputs(usage, stdout);
    fputs(help, stdout);
    exit(ctl_finish(0));
}

/* Prints a compiled file: JSON as it came; else a word for a result, and py_compile's message for an error. */
static void tell(struct watching *watching, struct json_span params) {
    const char *error;
    cJSON *tree = json_parse(params.text, params.len, &error);
    const char *file = json_get_string(tree, "file");
    struct json_span result = json_member(params.text, params.len, "result");
    struct json_span failure = json_member(params.text, params.len, "error");
    if (file != NULL && watching->shared.output != RESULTS_TEXT) {
        buffer_append(&watching->report.out, params.text, params.len);
        buffer_append_char(&watching->report.out, '\n');
    } else if (file != NULL) {
        if (result.text != NULL) {
            buffer_append_string(&watching->report.out, "compiled ");
            stderr_text_append(&watching->report.out, file);
            buffer_append_char(&watching->report.out, '\n');
        }
        report_take(&watching->report, file, result.text ? result : failure, result.text == NULL);
    }
    cJSON_Delete(tree);
}

static void on_notified(void *context, const char *method, struct json_span params) {
    struct watching *watching = context;
    if (strcmp(method, "watch/compiled") == 0) {
        tell(watching, params);
    } else if (strcmp(method, "watch/ended") == 0) {
        const char *error;
        cJSON *tree = json_parse(params.text, params.len, &error);
        const char *reason = json_get_string(tree, "reason");
        ctl_fail(xstrdup(reason ? reason : "the daemon has ended the watch"));
        watching->ended = true;
        cJSON_Delete(tree);
    }
}

/* The folders as this process sees them. */
static cJSON *make_places(const struct watching *watching) {
    cJSON *places = cJSON_CreateArray();
    for (size_t i = 0; i < watching->count; i++) {
        char *place = place_make(AT_FDCWD, watching->folders[i], true);
        if (place != NULL)
            cJSON_AddItemToArray(places, cJSON_CreateString(place));
        free(place);
    }
    return places;
}

static cJSON *make_paths(const struct watching *watching) {
    cJSON *paths = cJSON_CreateArray();
    for (size_t i = 0; i < watching->count; i++)
        cJSON_AddItemToArray(paths, cJSON_CreateString(watching->folders[i]));
    return paths;
}

static int begin(struct watching *watching, struct rpc_client *client, char **why) {
    struct buffer params = {0};
    cJSON *tree = compile_request_encode(&watching->shared.request);
    cJSON_AddItemToObject(tree, "paths", make_paths(watching));
    cJSON_AddItemToObject(tree, "places", make_places(watching));
    cJSON_AddBoolToObject(tree, "initial", watching->initial);
    json_print(tree, &params);
    cJSON_Delete(tree);
    cJSON *result = rpc_client_call(client, "watch", &params, clock_ms() + SCAN_DEADLINE_MS, why);
    buffer_deinit(&params);
    if (result == NULL)
        return -1;
    if (watching->shared.output == RESULTS_TEXT) {
        char *text = xasprintf("following %.0f folders\n", json_get_number(result, "folders", 0));
        stderr_text_print(text);
        free(text);
    }
    cJSON_Delete(result);
    return 0;
}

/* Prints notifications until the connection ends. Returns false if the watch must not be begun again. */
static bool follow(struct watching *watching, struct rpc_client *client) {
    struct rpc_answer answer;
    for (;;) {
        enum rpc_step step = rpc_client_next(client, &answer);
        if (!report_flush(&watching->report) || watching->ended)
            return false;
        if (step == RPC_STEP_BROKEN)
            return true;
        if (step != RPC_STEP_WAIT)
            continue;
        struct pollfd p = {client->fd, POLLIN, 0};
        int ready = poll(&p, 1, -1);
        if (ready < 0 && errno != EINTR) {
            ctl_fail(xasprintf("cannot wait for the daemon: %s", strerror(errno)));
            return false;
        }
        if (ready > 0 && rpc_client_read(client) == RPC_STEP_CLOSED)
            return true;
    }
}

static bool is_over(const struct rpc_client *client) {
    char byte;
    return recv(client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Returns a socket, or a negative errno value and a message. */
static int watch_connect(const struct watching *watching, const char *socket_path, char **why) {
    struct autostart autostart = {.socket_path = watching->apart ? watching->apart : socket_path,
                                  .when = watching->connected ? AUTOSTART_AGAIN : AUTOSTART_DEFAULT};
    int fd = autostart_connect(&autostart, why);
    if (fd >= 0 && autostart.notice != NULL && !watching->connected)
        ctl_say(autostart.notice);
    autostart_deinit(&autostart);
    return fd;
}

/* Whether the daemon has refused since it sees other folders, and one of this process's own namespace is to be asked.
 */
static bool watch_goes_apart(struct watching *watching, const struct rpc_client *client, const char *socket_path) {
    const char *theirs = json_get_string(cJSON_GetObjectItemCaseSensitive(client->error, "data"), "namespace");
    if (theirs == NULL || watching->apart != NULL)
        return false;
    watching->apart = autostart_namespace_path(socket_path, theirs);
    watching->connected = false;
    return watching->apart != NULL;
}

/* Watches over one connection. Returns 0 to begin again, else the exit status. */
static int watch_once(struct watching *watching, const char *socket_path) {
    struct rpc_client client;
    char *why = NULL, *python = NULL;
    int fd = watch_connect(watching, socket_path, &why);
    if (fd < 0)
        return ctl_fail(why);
    watching->connected = true;
    rpc_client_init(&client, fd);
    client.notified = on_notified;
    client.context = watching;
    const char *asked = watching->shared.request.python;
    int result = asked ? 0 : python_choice_ask(&client, watching->folders[0], &python, &why);
    watching->shared.request.python = asked ? asked : python;
    if (result == 0)
        result = begin(watching, &client, &why);
    watching->shared.request.python = asked;
    free(python);
    int status = 0;
    if (result == 0)
        status = !follow(watching, &client);
    else if (watch_goes_apart(watching, &client, socket_path))
        free(why);
    else if (is_over(&client) &&
             watching->lost++ < LOST_MAX) /* the daemon was leaving, or died: the next one is asked */
        free(why);
    else
        status = ctl_fail(why);
    watching->lost = result == 0 ? 0 : watching->lost;
    rpc_client_deinit(&client);
    return status;
}

static bool make_absolute(struct watching *watching) {
    for (size_t i = 0; i < watching->count; i++) {
        char *path = realpath(watching->folders[i], NULL);
        if (path == NULL) {
            ctl_fail(xasprintf("%s: %s", watching->folders[i], strerror(errno)));
            watching->count = i;
            return false;
        }
        struct stat st;
        if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
            ctl_fail(xasprintf("%s is not a folder", watching->folders[i]));
            free(path);
            watching->count = i;
            return false;
        }
        watching->folders[i] = path;
    }
    return true;
}

int ctl_watch(int argc, char **argv) {
    static const struct argument table[] = {
        {'h', "help", ARGUMENT_CALL, 0, 0, 0, 0, NULL},
        {0, "initial", ARGUMENT_FLAG, offsetof(struct watching, initial), 0, 0, 0, NULL},
        REQUEST_OPTION_JSON(offsetof(struct watching, shared)),
        REQUEST_OPTION_PYTHON(offsetof(struct watching, shared)),
        {'o', "optimize", ARGUMENT_INT, offsetof(struct watching, shared.request.optimize), 0, -1, 2, NULL},
    };
    struct watching watching = {0};
    const struct arguments arguments = {.prog = PROG,
                                        .usage = usage,
                                        .table = table,
                                        .count = sizeof table / sizeof *table,
                                        .take = watch_take,
                                        .context = &watching};
    request_options_init(&watching.shared);
    watching.shared.request.priority = PRIORITY_BACKGROUND;
    watching.count = arguments_parse(&arguments, argc, argv, "DIR");
    request_options_finish(&watching.shared);
    watching.folders = argv + 1;
    progress_init(&watching.progress, false);
    report_init(&watching.report, "pycompilectl", &watching.progress);
    watching.report.keep_going = true;
    char *socket_path = paths_socket();
    int status = make_absolute(&watching) ? 0 : 1;
    while (status == 0) {
        status = watch_once(&watching, socket_path);
        watching.initial = true; /* files that change until the next watch begins */
    }
    for (size_t i = 0; i < watching.count; i++)
        free(watching.folders[i]);
    free(socket_path);
    free(watching.apart);
    report_deinit(&watching.report);
    request_options_deinit(&watching.shared);
    return ctl_finish(status);
}
