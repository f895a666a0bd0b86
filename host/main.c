/* pycompile-host-X.Y: a worker host. Checks what it was given, brings CPython up, and lets its workers work.
 * See docs/host.md. */
#include "host/interpreter.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buffer.h"
#include "cache/remote.h"
#include "host/as_program.h"
#include "host/confine.h"
#include "host/control.h"
#include "host/host_cache.h"
#include "host/worker_loop.h"

/* A worker's stack where the process's own has no limit; CPython's thresholds are made for the 8 MiB that are usual. */
#define STACK_DEFAULT ((size_t)8 << 20)
#define STACK_MAX ((size_t)1 << 30)

struct host_options {
    int control_fd;
    int first_fd, last_fd;
    long server_pid;
    unsigned mask;
    unsigned memory_limit_mib, big_source; /* 0: no limit */
    bool pristine, solo;
    const char *cache;              /* its folder, or NULL */
    unsigned long long cache_limit; /* bytes; 0: as it was */
    int remote_state_fd;            /* -1: no remote tier */
    unsigned remote_timeout_ms;
    bool remote_read_only;
};

static int usage(void) {
    fprintf(stderr, "usage: pycompile-host-X.Y --control=FD --workers=FIRST-LAST [--umask=OCTAL]\n"
                    "                          [--pristine] [--solo] [--memory-limit=MIB] [--big-source=BYTES]\n"
                    "                          [--cache=DIR] [--cache-limit=BYTES]\n"
                    "                          [--remote-state=FD] [--remote-timeout=MS] [--remote-read-only]\n"
                    "       pycompile-host-X.Y --version\n"
                    "A worker of pycompiled, which starts it.\n");
    return 2;
}

static bool parse_options(int argc, char **argv, struct host_options *options) {
    static const struct option names[] = {
        {"control", required_argument, NULL, 'c'},
        {"workers", required_argument, NULL, 'w'},
        {"umask", required_argument, NULL, 'u'},
        {"memory-limit", required_argument, NULL, 'm'},
        {"pristine", no_argument, NULL, 'p'},
        {"big-source", required_argument, NULL, 'b'},
        {"solo", no_argument, NULL, 's'},
        {"cache", required_argument, NULL, 'd'},
        {"cache-limit", required_argument, NULL, 'l'},
        {"remote-state", required_argument, NULL, 'r'},
        {"remote-timeout", required_argument, NULL, 't'},
        {"remote-read-only", no_argument, NULL, 'o'},
        {NULL, 0, NULL, 0},
    };
    int opt;
    *options = (struct host_options){.control_fd = -1,
                                     .first_fd = -1,
                                     .last_fd = -2,
                                     .mask = 022,
                                     .server_pid = getppid(),
                                     .remote_state_fd = -1,
                                     .remote_timeout_ms = REMOTE_TIMEOUT_MS_DEFAULT};
    while ((opt = getopt_long(argc, argv, "", names, NULL)) != -1) {
        bool fine = opt == 'p'   ? (options->pristine = true)
                    : opt == 's' ? (options->solo = true)
                    : opt == 'm' ? sscanf(optarg, "%u", &options->memory_limit_mib) == 1
                    : opt == 'b' ? sscanf(optarg, "%u", &options->big_source) == 1
                    : opt == 'c' ? sscanf(optarg, "%d", &options->control_fd) == 1
                    : opt == 'w' ? sscanf(optarg, "%d-%d", &options->first_fd, &options->last_fd) == 2
                    : opt == 'd' ? (options->cache = optarg) != NULL
                    : opt == 'l' ? sscanf(optarg, "%llu", &options->cache_limit) == 1
                    : opt == 'r' ? sscanf(optarg, "%d", &options->remote_state_fd) == 1
                    : opt == 't' ? sscanf(optarg, "%u", &options->remote_timeout_ms) == 1
                    : opt == 'o' ? (options->remote_read_only = true)
                    : opt == 'u' ? sscanf(optarg, "%o", &options->mask) == 1
                                 : false;
        if (!fine)
            return false;
    }
    return optind == argc && options->control_fd >= 0 && options->first_fd >= 0 &&
           options->last_fd >= options->first_fd;
}

static bool is_socket(int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

static bool check_descriptors(const struct host_options *options) {
    bool fine = is_socket(options->control_fd);
    for (int fd = options->first_fd; fine && fd <= options->last_fd; fd++)
        fine = is_socket(fd);
    return fine;
}

static size_t stack_size(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > STACK_MAX)
        return STACK_DEFAULT;
    return limit.rlim_cur < STACK_DEFAULT ? STACK_DEFAULT : limit.rlim_cur;
}

/* Half of what may be allocated is the most that can be read by doubling a buffer. */
static size_t source_max(const struct host_options *options) {
    return options->solo ? ((size_t)options->memory_limit_mib << 20) / 2 : options->big_source;
}

static void *run_worker(void *argument) {
    worker_loop(argument);
    return NULL;
}

/* One thread a worker; returns when all have ended. While CPython comes up they answer what needs none. */
static int run_threads(const struct host_options *options) {
    int count = options->last_fd - options->first_fd + 1;
    struct worker_setting *settings = xcalloc((size_t)count, sizeof *settings);
    pthread_t *threads = xcalloc((size_t)count, sizeof *threads);
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes), started = 0;
    if (error == 0)
        error = pthread_attr_setstacksize(&attributes, stack_size());
    for (; error == 0 && started < count; started++) {
        settings[started] = (struct worker_setting){
            .fd = options->first_fd + started,
            .control_fd = options->control_fd,
            .server_pid = options->server_pid,
            .mask = options->mask,
            .source_max = source_max(options),
            .own_gil = true,
        };
        error = pthread_create(&threads[started], &attributes, run_worker, &settings[started]);
    }
    if (error != 0) {
        control_report_failure(options->control_fd, strerror(error));
        return 1;
    }
    interpreter_init_runtime(options->control_fd);
    interpreter_leave_main();
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    free(settings);
    return 0;
}

/* The only worker, on the main thread and in the main interpreter. */
static int run_here(const struct host_options *options) {
    if (options->first_fd != options->last_fd) {
        control_report_failure(options->control_fd, "this host can have one worker only");
        return 1;
    }
    const struct worker_setting setting = {
        .fd = options->first_fd,
        .control_fd = options->control_fd,
        .server_pid = options->server_pid,
        .mask = options->mask,
        .source_max = source_max(options),
        .pristine = options->pristine,
        .solo = options->solo,
    };
    worker_loop(&setting);
    return 0;
}

/* What compiles as another does: the release, how it was built, and for what machine. */
static const char *describe_python(void) {
    struct utsname system;
    const char *version = Py_GetVersion();
    return uname(&system) == 0 ? xasprintf("%s on %s", version, system.machine) : version;
}

static void configure_cache(const struct host_options *options) {
    const char *remote = getenv("PYCOMPILE_HOST_REMOTE"), *secret = getenv("PYCOMPILE_HOST_REMOTE_SECRET");
    host_cache_configure(&(struct host_cache_setting){
        .folder = options->cache,
        .limit = options->cache_limit,
        .silent = options->pristine,
        .python = describe_python(),
        .remote = options->remote_state_fd >= 0 && remote && secret ? xstrdup(remote) : NULL,
        .remote_secret = secret ? xstrdup(secret) : NULL,
        .remote_state_fd = options->remote_state_fd,
        .remote_timeout_ms = options->remote_timeout_ms,
        .remote_read_only = options->remote_read_only,
    });
    unsetenv("PYCOMPILE_HOST_REMOTE");
    unsetenv("PYCOMPILE_HOST_REMOTE_SECRET");
}

int main(int argc, char **argv) {
    struct host_options options;
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts(PY_VERSION);
        return 0;
    }
    if (!parse_options(argc, argv, &options))
        return usage();
    if (!check_descriptors(&options)) {
        fputs("pycompile-host: the descriptors given are not sockets\n", stderr);
        return 2;
    }
    confine((size_t)options.memory_limit_mib << 20);
    control_report_shots(options.control_fd);
    configure_cache(&options);
    if (options.pristine)
        interpreter_init_runtime(options.control_fd); /* before any thread: it forks */
    int error = options.pristine ? 0 : control_watch(options.control_fd);
    if (error != 0) {
        control_report_failure(options.control_fd, strerror(error));
        _exit(1);
    }
    int status = HOST_HAS_OWN_GIL && !options.pristine ? run_threads(&options) : run_here(&options);
    host_cache_leave();
    _exit(status);
}
