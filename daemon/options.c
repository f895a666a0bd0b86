/* See options.h. */
#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/buffer.h"
#include "proto/frame.h"
#include "proto/paths.h"

static const char help[] =
    "usage: pycompiled [--background] [options]\n"
    "\n"
    "Compiles Python source to .pyc files for clients on a Unix socket, in warm interpreters.\n"
    "Clients start it by themselves; see pycompile-client(1) and pycompilectl(1).\n"
    "\n"
    "options:\n"
    "  --background         return when the daemon is ready (or one is running already)\n"
    "  --socket PATH        default: $PYCOMPILED_SOCKET, else $XDG_RUNTIME_DIR/pycompiled/socket,\n"
    "                       else /tmp/pycompiled-UID/socket\n"
    "  --workers N          interpreters of each Python version, at most (default: the cores)\n"
    "  --python X.Y         version for requests that name none (default: the newest there is)\n"
    "  --idle-timeout S     leave after S seconds without a client; 0: stay (default 600)\n"
    "  --shrink-after S     shrink to one interpreter after S idle seconds; 0: never (default 60)\n"
    "  --timeout MS         longest compile, for requests that say nothing; 0: none (default 60000)\n"
    "  --host-memory MIB    replace a host that grows beyond (default 1024)\n"
    "  --frame-limit BYTES  longest message (default 67108864)\n"
    "  --open-limit N       open requests of a connection before its reading stops (default 1024)\n"
    "  --hosts DIR          look for pycompile-host-X.Y in DIR first\n"
    "  --version            print the version\n"
    "  -h, --help           print this\n";

enum {
    OPT_BACKGROUND = 256,
    OPT_SOCKET,
    OPT_WORKERS,
    OPT_PYTHON,
    OPT_IDLE_TIMEOUT,
    OPT_SHRINK_AFTER,
    OPT_TIMEOUT,
    OPT_HOST_MEMORY,
    OPT_FRAME_LIMIT,
    OPT_OPEN_LIMIT,
    OPT_HOSTS,
    OPT_VERSION,
};

static const struct option long_options[] = {
    {"background", no_argument, NULL, OPT_BACKGROUND},
    {"socket", required_argument, NULL, OPT_SOCKET},
    {"workers", required_argument, NULL, OPT_WORKERS},
    {"python", required_argument, NULL, OPT_PYTHON},
    {"idle-timeout", required_argument, NULL, OPT_IDLE_TIMEOUT},
    {"shrink-after", required_argument, NULL, OPT_SHRINK_AFTER},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"host-memory", required_argument, NULL, OPT_HOST_MEMORY},
    {"frame-limit", required_argument, NULL, OPT_FRAME_LIMIT},
    {"open-limit", required_argument, NULL, OPT_OPEN_LIMIT},
    {"hosts", required_argument, NULL, OPT_HOSTS},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Reads a number from min to max; false (after a message) where the argument is not one. */
static bool number(const char *option, long min, long max, long *value) {
    char *end;
    errno = 0;
    *value = strtol(optarg, &end, 10);
    if (errno == 0 && end != optarg && *end == '\0' && *value >= min && *value <= max)
        return true;
    fprintf(stderr, "pycompiled: --%s takes a number from %ld to %ld, not '%s'\n", option, min, max,
            optarg);
    return false;
}

static bool number_option(int opt, const char *name, struct options *options) {
    long n;
    switch (opt) {
    case OPT_WORKERS:
        return number(name, 1, 1024, &n) ? (options->workers = (unsigned)n, true) : false;
    case OPT_IDLE_TIMEOUT:
        return number(name, 0, 1 << 30, &n) ? (options->idle_timeout_s = (unsigned)n, true) : false;
    case OPT_SHRINK_AFTER:
        return number(name, 0, 1 << 30, &n) ? (options->shrink_after_s = (unsigned)n, true) : false;
    case OPT_TIMEOUT:
        return number(name, 0, 1 << 30, &n) ? (options->job_timeout_ms = (unsigned)n, true) : false;
    case OPT_HOST_MEMORY:
        return number(name, 0, 1 << 30, &n) ? (options->host_memory_mib = (unsigned)n, true) : false;
    case OPT_FRAME_LIMIT:
        return number(name, 1024, 1 << 30, &n) ? (options->frame_limit = (size_t)n, true) : false;
    default:
        return number(name, 1, 1 << 20, &n) ? (options->open_limit = (unsigned)n, true) : false;
    }
}

/* The cores that this process may run on. */
static unsigned available_cores(void) {
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > 0 ? (unsigned)count : 1;
}

bool options_parse(struct options *options, int argc, char **argv, int *status) {
    *options = (struct options){
        .workers = available_cores(),
        .idle_timeout_s = 600,
        .shrink_after_s = 60,
        .job_timeout_ms = 60000,
        .host_memory_mib = 1024,
        .frame_limit = FRAME_LIMIT_DEFAULT,
        .open_limit = 1024,
    };
    int opt, index = 0;
    while ((opt = getopt_long(argc, argv, "h", long_options, &index)) != -1) {
        switch (opt) {
        case OPT_BACKGROUND:
            options->background = true;
            break;
        case OPT_SOCKET:
            free(options->socket_path);
            options->socket_path = xstrdup(optarg);
            break;
        case OPT_PYTHON:
            options->python = optarg;
            break;
        case OPT_HOSTS:
            options->hosts = optarg;
            break;
        case OPT_VERSION:
        case 'h':
            fputs(opt == 'h' ? help : "pycompiled " PYCOMPILED_VERSION "\n", stdout);
            *status = 0;
            return false;
        case '?':
            fputs("Try 'pycompiled --help'.\n", stderr);
            *status = 2;
            return false;
        default:
            if (!number_option(opt, long_options[index].name, options)) {
                *status = 2;
                return false;
            }
        }
    }
    if (optind < argc) {
        fprintf(stderr, "pycompiled: unexpected argument '%s'\n", argv[optind]);
        *status = 2;
        return false;
    }
    if (options->socket_path == NULL)
        options->socket_path = paths_socket();
    return true;
}

void options_deinit(struct options *options) {
    free(options->socket_path);
}
