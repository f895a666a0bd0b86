/* pycompilectl: control of the daemon for a person. Finds the command and runs it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/arguments.h"
#include "client/ctl/ctl.h"

#define PROG "pycompilectl"

static const char usage[] = "usage: " PROG " [-h] [--version] command ...\n";

static const char help[] = "\n"
                           "Starts, stops and shows the daemon that compiles Python source to .pyc files.\n"
                           "\n"
                           "commands:\n"
                           "  start       start the daemon\n"
                           "  stop        let the daemon finish what runs and leave\n"
                           "  restart     stop and start\n"
                           "  status      show hosts, workers, queue and counters\n"
                           "  metrics     print the daemon's metrics as OpenMetrics text\n"
                           "  doctor      look at what compiling needs, and say what is wrong\n"
                           "  top         show what the daemon does now, on the full screen\n"
                           "  cache       show, clear, verify or limit the cache of compiled sources\n"
                           "  python      show for which Python versions there is a host\n"
                           "  watch       compile what changes below folders, as it changes\n"
                           "\n"
                           "options:\n"
                           "  -h, --help  show this help message and exit\n"
                           "  --version   show the version and exit\n"
                           "\n"
                           "Each command has a --help of its own.\n";

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"start", ctl_start},   {"stop", ctl_stop},       {"restart", ctl_restart}, {"status", ctl_status},
    {"doctor", ctl_doctor}, {"metrics", ctl_metrics}, {"top", ctl_top},         {"python", ctl_python},
    {"watch", ctl_watch},   {"cache", ctl_cache},
};

static char *pycompilectl_take(int id, const char *value, void *context) {
    if (id == 'h') {
        fputs(usage, stdout);
        fputs(help, stdout);
    } else {
        puts(PROG " " PYCOMPILED_VERSION);
    }
    exit(ctl_finish(0));
}

int main(int argc, char **argv) {
    static const struct argument table[] = {{'h', "help", ARGUMENT_CALL, 0, 'h', 0, 0, NULL},
                                            {0, "version", ARGUMENT_CALL, 0, 'v', 0, 0, NULL}};
    const struct arguments arguments = {
        .prog = PROG, .usage = usage, .table = table, .count = 2, .take = pycompilectl_take};
    signal(SIGPIPE, SIG_IGN);
    /* Arguments behind the command belong to the command. */
    int own = 1;
    while (own < argc && argv[own][0] == '-')
        own++;
    char *command = argv[own < argc ? own : 0];
    arguments_parse(&arguments, own < argc ? own + 1 : own, argv, "command");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, command) == 0)
            return commands[i].run(argc - own, argv + own);
    arguments_error(&arguments,
                    "argument command: invalid choice: '%s' (choose from start, stop, restart, "
                    "status, doctor, metrics, top, python, watch, cache)",
                    command);
}
