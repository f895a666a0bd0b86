/* fork and exec by libuv. docs/host.md has the command line. */
#include "daemon/pool/host_process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/build_id.h"
#include "base/io.h"

#define CONTROL_FD 3
#define FIRST_WORKER_FD 4
#define ARGUMENTS_MAX 20

/* The variables that a host may see: none of them changes what CPython compiles. */
static const char *const passed_variables[] = {"LD_LIBRARY_PATH",       "TMPDIR",       "ASAN_OPTIONS",
                                               "UBSAN_OPTIONS",         "LSAN_OPTIONS", "TSAN_OPTIONS",
                                               "PYCOMPILE_HOST_INEXACT"};
#define PASSED_COUNT (sizeof passed_variables / sizeof *passed_variables)

/* Those that a host with a remote cache may see, too: the proxies by which web servers are reached. */
static const char *const remote_variables[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                               "ALL_PROXY",  "no_proxy",    "NO_PROXY"};
#define REMOTE_COUNT (sizeof remote_variables / sizeof *remote_variables)

/* Adds the variables that this process has. Returns the count of all. */
static size_t host_process_pass(char **environment, size_t n, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL)
            environment[n++] = xasprintf("%s=%s", names[i], value);
    }
    return n;
}

/* Passwords and secrets go into the environment: command lines can be read by all users. */
static char **host_process_environment(const struct host_command *command) {
    const struct remote_options *remote = &command->options->remote;
    char **environment = xcalloc(PASSED_COUNT + REMOTE_COUNT + 5, sizeof *environment);
    size_t n = 0;
    environment[n++] = xstrdup("LC_ALL=C.UTF-8");
    environment[n++] = xstrdup("PATH=/usr/bin:/bin");
    n = host_process_pass(environment, n, passed_variables, PASSED_COUNT);
    if (command->remote_fd >= 0) {
        n = host_process_pass(environment, n, remote_variables, REMOTE_COUNT);
        environment[n++] = xasprintf("PYCOMPILE_HOST_REMOTE=%s", remote->url);
        environment[n++] = xasprintf("PYCOMPILE_HOST_REMOTE_SECRET=%s", remote->secret);
    }
    return environment;
}

static void host_process_free_strings(char **strings) {
    for (char **string = strings; *string != NULL; string++)
        free(*string);
    free(strings);
}

static unsigned host_process_umask(void) {
    mode_t mask = umask(0);
    umask(mask);
    return (unsigned)mask;
}

static char **host_process_arguments(const struct host_command *command) {
    const struct options *options = command->options;
    char **args = xcalloc(ARGUMENTS_MAX + 1, sizeof *args);
    size_t n = 0;
    args[n++] = xstrdup(command->program);
    args[n++] = xasprintf("--control=%d", CONTROL_FD);
    args[n++] = xasprintf("--workers=%d-%u", FIRST_WORKER_FD, FIRST_WORKER_FD + command->workers - 1);
    args[n++] = xasprintf("--build=%s", build_id);
    args[n++] = xasprintf("--umask=%03o", host_process_umask());
    if (options->host_limit_mib > 0)
        args[n++] = xasprintf("--memory-limit=%u", options->host_limit_mib);
    if (command->kind == HOST_SOLO)
        args[n++] = xstrdup("--solo");
    else if (options->big_source > 0)
        args[n++] = xasprintf("--big-source=%u", options->big_source);
    if (command->kind != HOST_SHARED)
        args[n++] = xstrdup("--pristine");
    if (options->cache != NULL) {
        args[n++] = xasprintf("--cache=%s", options->cache);
        args[n++] = xasprintf("--cache-limit=%zu", options->cache_limit);
        if (options->shares_release)
            args[n++] = xstrdup("--cache-key-release");
    }
    if (command->interpreter != NULL)
        args[n++] = xasprintf("--interpreter=%s", command->interpreter);
    if (command->trial)
        args[n++] = xstrdup("--trial");
    else if (command->files != NULL)
        args[n++] = xasprintf("--files=%s", command->files);
    if (command->remote_fd >= 0) {
        args[n++] = xasprintf("--remote-state=%u", FIRST_WORKER_FD + command->workers);
        args[n++] = xasprintf("--remote-timeout=%u", options->remote.timeout_ms);
        if (options->remote.read_only)
            args[n++] = xstrdup("--remote-read-only");
    }
    return args;
}

/* The host's descriptors: none, the log, the log, control, workers, and the remote cache's memory. */
static uv_stdio_container_t *host_process_stdio(const struct host_command *command, int *count) {
    unsigned sockets = 1 + command->workers;
    uv_stdio_container_t *stdio = xcalloc(CONTROL_FD + sockets + 1, sizeof *stdio);
    stdio[0].flags = UV_IGNORE;
    for (int i = 1; i <= 2; i++)
        stdio[i] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO};
    for (unsigned i = 0; i < sockets; i++)
        stdio[CONTROL_FD + i] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = command->fds[i]};
    *count = (int)(CONTROL_FD + sockets);
    if (command->remote_fd >= 0)
        stdio[(*count)++] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = command->remote_fd};
    return stdio;
}

static void host_process_on_closed(uv_handle_t *handle) {
    struct host_process *process = handle->data;
    process->events->closed(process);
}

static void host_process_on_exit(uv_process_t *handle, int64_t exit_status, int term_signal) {
    struct host_process *process = handle->data;
    uv_close((uv_handle_t *)handle, host_process_on_closed);
    process->events->exited(process, exit_status, term_signal);
}

static int host_process_start(struct host_process *process, uv_loop_t *loop, const struct host_command *command) {
    int count;
    uv_stdio_container_t *stdio = host_process_stdio(command, &count);
    uv_process_options_t options = {
        .exit_cb = host_process_on_exit,
        .file = command->program,
        .args = host_process_arguments(command),
        .env = host_process_environment(command),
        .cwd = "/",
        .flags = UV_PROCESS_DETACHED, /* a session of its own, so that the processes that it forks die with it */
        .stdio_count = count,
        .stdio = stdio,
    };
    int status = uv_spawn(loop, &process->handle, &options);
    process->handle.data = process;
    process->pid = status == 0 ? process->handle.pid : 0;
    if (status < 0)
        uv_close((uv_handle_t *)&process->handle, host_process_on_closed);
    host_process_free_strings(options.args);
    host_process_free_strings(options.env);
    free(stdio);
    return status;
}

static void host_process_kill(struct host_process *process, bool exited) {
    if (kill(-process->pid, SIGKILL) < 0 && !exited) /* just started, and not yet a group of its own */
        uv_process_kill(&process->handle, SIGKILL);
}

static long host_process_oom_kills(void) {
    char text[16384];
    (void)io_read_text(AT_FDCWD, "/proc/vmstat", 0, text, sizeof text);
    const char *line = strstr(text, "\noom_kill ");
    return line ? strtol(line + strlen("\noom_kill "), NULL, 10) : -1;
}

long host_process_memory_kb(int pid) {
    char path[32], text[128];
    long pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    if (pid <= 0 || io_read_text(AT_FDCWD, path, 0, text, sizeof text) <= 0 || sscanf(text, "%*d %ld", &pages) != 1)
        return 0;
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

const struct host_driver host_process_driver = {
    .start = host_process_start,
    .kill = host_process_kill,
    .oom_kills = host_process_oom_kills,
};
