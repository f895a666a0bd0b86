/* pycompile-host-X.Y: the program. Checks what the server gave it, brings CPython up, and starts its workers. */
#include "host/interpreter.h"

#include <float.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/build_id.h"
#include "cache/remote/remote.h"
#include "host/confine.h"
#include "host/control.h"
#include "host/host_cache.h"
#include "host/host_options.h"
#include "host/main.h"
#include "host/python_files.h"
#include "host/python_release.h"
#include "host/trial.h"
#include "host/worker_loop.h"

/* A worker's stack where the process has no limit of its own; CPython's recursion limits are made for the usual
 * 8 MiB. */
#define STACK_DEFAULT ((size_t)8 << 20)
#define STACK_MAX ((size_t)1 << 30)

static int usage(void) {
    fprintf(stderr, "usage: pycompile-host-X.Y --control=FD --workers=FIRST-LAST [--build=ID] [--umask=OCTAL]\n"
                    "                          [--pristine] [--solo] [--memory-limit=MIB] [--big-source=BYTES]\n"
                    "                          [--cache=DIR] [--cache-limit=BYTES]\n"
                    "                          [--remote-state=FD] [--remote-timeout=MS] [--remote-read-only]\n"
                    "                          [--interpreter=PATH] [--trial] [--files=NAME]\n"
                    "       pycompile-host-X.Y --version\n"
                    "A worker of pycompiled, which starts it.\n");
    return 2;
}

static bool is_socket(int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

static bool are_sockets(const struct host_options *options) {
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

/* A buffer that grows by doubling can hold half of the memory limit at most. */
static size_t longest_source(const struct host_options *options) {
    return options->solo ? ((size_t)options->memory_limit << 20) / 2 : options->big_source;
}

static void *run_worker(void *argument) {
    worker_loop(argument);
    return NULL;
}

/* Starts a thread for each worker, and returns when all have ended. While CPython comes up, they answer the requests
 * that need no interpreter. */
static int run_threads(const struct host_options *options, long server_pid, struct trial *trial) {
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
            .server_pid = server_pid,
            .mask = options->mask,
            .source_max = longest_source(options),
            .own_gil = true,
            .trial = started == 0 ? trial : NULL,
            .tells_files = options->trial,
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

/* Runs the only worker, on the main thread and in the main interpreter. */
static int run_here(const struct host_options *options, long server_pid, struct trial *trial) {
    if (options->first_fd != options->last_fd) {
        control_report_failure(options->control_fd, "this host can have one worker only");
        return 1;
    }
    const struct worker_setting setting = {
        .fd = options->first_fd,
        .control_fd = options->control_fd,
        .server_pid = server_pid,
        .mask = options->mask,
        .source_max = longest_source(options),
        .pristine = options->pristine,
        .solo = options->solo,
        .trial = trial,
        .tells_files = options->trial,
    };
    worker_loop(&setting);
    return 0;
}

/* The release decides the code, but for two things. Up to 3.10 sets are written in the order of their hashes, which
 * have the size of a pointer. Where floating point is evaluated with more digits than a double has (the x87 of i386), a
 * constant expression may have another value. docs/cache.md has what was measured. */
static const char *describe_release(void) {
    return xasprintf("release %s%s%s", python_release(),
                     PY_VERSION_HEX < 0x030B0000 && sizeof(void *) < 8 ? ", 32 bits" : "",
                     FLT_EVAL_METHOD == 0 ? "" : ", extended floating point");
}

/* Names everything about this Python that could decide the code: its release, its build, its machine. */
static const char *describe_build(void) {
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
        .python = options->shares_release ? describe_release() : describe_build(),
        .remote = options->remote_state_fd >= 0 && remote && secret ? xstrdup(remote) : NULL,
        .remote_secret = secret ? xstrdup(secret) : NULL,
        .remote_state_fd = options->remote_state_fd,
        .remote_timeout_ms = options->remote_timeout,
        .remote_read_only = options->remote_read_only,
    });
    unsetenv("PYCOMPILE_HOST_REMOTE");
    unsetenv("PYCOMPILE_HOST_REMOTE_SECRET");
}

/* Whether the server is of this host's build. If not, reports it. */
static bool is_of_our_build(const struct host_options *options) {
    if (options->build == NULL || strcmp(options->build, build_id) == 0)
        return true;
    char *reason =
        xasprintf("the host is of build %s, and the daemon of build %s: they must be installed together, and "
                  "the daemon started anew",
                  build_id, options->build);
    control_report_failure(options->control_fd, reason);
    free(reason);
    return false;
}

int main(int argc, char **argv) {
    struct host_options options;
    long server_pid = getppid();
    bool parsed = host_options_parse(argc, argv, &options);
    python_release_init(options.interpreter);
    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        puts(python_release());
        return 0;
    }
    if (!parsed)
        return usage();
    if (!are_sockets(&options)) {
        fputs("pycompile-host: the descriptors given are not sockets\n", stderr);
        return 2;
    }
    if (!is_of_our_build(&options))
        return 1;
    python_files_note(options.runs_interpreter);
    if (options.files != NULL)
        python_files_expect(options.files);
    confine((size_t)options.memory_limit << 20);
    configure_cache(&options); /* which takes the secret out of the environment */
    struct trial *trial = options.trial ? trial_begin(options.cache) : NULL;
    control_report_shots(options.control_fd);
    if (options.pristine)
        interpreter_init_runtime(options.control_fd); /* before any thread: it forks */
    int error = options.pristine ? 0 : control_watch(options.control_fd);
    if (error < 0) {
        control_report_failure(options.control_fd, strerror(-error));
        _exit(1);
    }
    bool threads = HOST_HAS_OWN_GIL && !options.pristine;
    int status = threads ? run_threads(&options, server_pid, trial) : run_here(&options, server_pid, trial);
    host_cache_leave();
    _exit(status);
}
