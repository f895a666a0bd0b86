/* Shared by the commands of pycompilectl: options, the connection, output. */
#include "client/ctl/ctl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "client/arguments.h"
#include "client/autostart.h"
#include "client/connect.h"
#include "client/stderr_text.h"
#include "proto/json.h"

enum {
    OPTION_HELP,
    OPTION_JSON,
    OPTION_WAIT,
    OPTION_FORCE,
    OPTION_ALL,
    OPTION_OUTPUT,
};

static char *ctl_options_take(int id, const char *value, void *context) {
    const struct ctl_options *options = context;
    if (id == OPTION_HELP) {
        fputs(options->help, stdout);
        exit(ctl_finish(0));
    }
    if (id == OPTION_FORCE || id == OPTION_JSON || id == OPTION_ALL) {
        *(id == OPTION_FORCE ? options->force : id == OPTION_JSON ? options->json : options->all) = true;
        return NULL;
    }
    if (id == OPTION_OUTPUT) {
        *options->output = value;
        return NULL;
    }
    char *end;
    errno = 0;
    long seconds = strtol(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || seconds < 0 || seconds > INT_MAX / 1000)
        return xasprintf("invalid number of seconds: '%s'", value);
    *options->wait_ms = (int)seconds * 1000;
    return NULL;
}

void ctl_options(int argc, char **argv, const struct ctl_options *options) {
    struct argument table[6];
    size_t count = 0;
    table[count++] = (struct argument){'h', "help", ARGUMENT_CALL, 0, OPTION_HELP, 0, 0, NULL};
    if (options->json != NULL)
        table[count++] = (struct argument){0, "json", ARGUMENT_CALL, 0, OPTION_JSON, 0, 0, NULL};
    if (options->force != NULL)
        table[count++] = (struct argument){0, "force", ARGUMENT_CALL, 0, OPTION_FORCE, 0, 0, NULL};
    if (options->all != NULL)
        table[count++] = (struct argument){0, "all", ARGUMENT_CALL, 0, OPTION_ALL, 0, 0, NULL};
    if (options->wait_ms != NULL)
        table[count++] = (struct argument){0, "wait", ARGUMENT_CALL_VALUE, 0, OPTION_WAIT, 0, 0, NULL};
    if (options->output != NULL)
        table[count++] = (struct argument){0, "output", ARGUMENT_CALL_VALUE, 0, OPTION_OUTPUT, 0, 0, NULL};
    char *prog = xasprintf("pycompilectl %s", argv[0]);
    char *usage = xstrndup(options->help, strcspn(options->help, "\n") + 1);
    struct arguments arguments = {.prog = prog,
                                  .usage = usage,
                                  .table = table,
                                  .count = count,
                                  .take = ctl_options_take,
                                  .context = (void *)options};
    if (arguments_parse(&arguments, argc, argv, NULL) > 0)
        arguments_error(&arguments, "unrecognized arguments: %s", argv[1]);
    free(usage);
    free(prog);
}

void ctl_say(const char *text) {
    char *line = xasprintf("pycompilectl: %s\n", text);
    stderr_text_print(line);
    free(line);
}

int ctl_fail(char *text) {
    ctl_say(text);
    free(text);
    return 1;
}

char *ctl_socket(void) {
    char *path = paths_socket(), *why = NULL;
    struct autostart autostart = {.socket_path = path, .when = AUTOSTART_LOOK};
    int fd = autostart_connect(&autostart, &why);
    if (fd >= 0) {
        free(path);
        path = xstrdup(autostart.path);
        close(fd);
    }
    autostart_deinit(&autostart);
    free(why);
    return path;
}

int ctl_connect(struct rpc_client *client, const char *path) {
    char *why;
    int fd;
    enum connect_status status = connect_daemon(path, &fd, &why);
    if (status == CONNECT_OK) {
        rpc_client_init(client, fd);
        return 1;
    }
    if (connect_is_absent(status)) {
        free(why);
        return 0;
    }
    ctl_fail(why);
    return -ENOTCONN;
}

void ctl_print_json(const cJSON *tree) {
    struct buffer text = {0};
    json_print(tree, &text);
    buffer_append_char(&text, '\n');
    fwrite(text.data, 1, text.len, stdout);
    buffer_deinit(&text);
}

int ctl_finish(int status) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    return ctl_fail(xasprintf("cannot write to standard output: %s", strerror(errno)));
}
