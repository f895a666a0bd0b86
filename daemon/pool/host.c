/* See host.h. */
#include "daemon/pool/host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/io.h"
#include "daemon/log.h"
#include "daemon/pool/pool.h"
#include "proto/rpc.h"

#define CONTROL_FD 3
#define FIRST_WORKER_FD 4
#define ARGUMENTS_MAX 16
#define CONTROL_MESSAGE_MAX ((size_t)64 << 10)

/* How long a host without jobs may take to leave. */
#define LEAVE_TIMEOUT_MS 10000

/* How long one may live that has closed a socket: it is dying, most likely, and how is of interest. */
#define HANG_UP_TIMEOUT_MS 500

/* What a host may see of the environment: nothing that changes what CPython does. */
static const char *const passed_variables[] = {"LD_LIBRARY_PATH",       "TMPDIR",       "ASAN_OPTIONS",
                                               "UBSAN_OPTIONS",         "LSAN_OPTIONS", "TSAN_OPTIONS",
                                               "PYCOMPILE_HOST_INEXACT"};
#define PASSED_COUNT (sizeof passed_variables / sizeof *passed_variables)

static struct host *host_of_control(struct channel *control) {
    return list_entry(control, struct host, control);
}

static void on_handle_closed(uv_handle_t *handle);

/* The end: no more jobs, no more answers, no process. The pool takes its jobs back; then its handles go. */
static void check_gone(struct host *host) {
    if (!host->exited || host->open_streams > 0)
        return;
    pool_host_gone(host);
    host->left = true;
    uv_close((uv_handle_t *)&host->leave_timer, on_handle_closed);
    for (unsigned i = 0; i < host->worker_count; i++)
        worker_leave(&host->workers[i]);
    channel_close(&host->control);
}

static void on_handle_closed(uv_handle_t *handle) {
    host_handle_closed(handle->data);
}

static void on_leave_timeout(uv_timer_t *timer) {
    struct host *host = timer->data;
    log_line("a host of Python %s does not leave and is killed", host->pool->python);
    host_kill(host);
}

static void on_process_exit(uv_process_t *process, int64_t exit_status, int term_signal) {
    struct host *host = process->data;
    host->exited = true;
    host->exit_status = exit_status;
    host->term_signal = term_signal;
    uv_close((uv_handle_t *)process, on_handle_closed);
    check_gone(host);
}

void host_stream_ended(struct host *host) {
    host->open_streams--;
    if (!host->left && !host->exited && !uv_is_active((uv_handle_t *)&host->leave_timer)) {
        host->retiring = true;
        uv_timer_start(&host->leave_timer, on_leave_timeout, HANG_UP_TIMEOUT_MS, 0);
    }
    check_gone(host);
}

void host_handle_closed(struct host *host) {
    if (--host->handles > 0)
        return;
    struct server *server = host->pool->server;
    free(host->version);
    free(host->failure);
    free(host);
    server_host_gone(server);
}

static void on_ready(struct host *host, const cJSON *params) {
    const char *version = json_get_string(params, "python");
    host->ready = true;
    host->version = xstrdup(version ? version : host->pool->python);
    pool_host_ready(host);
}

static void on_control_message(struct channel *control, const char *text, size_t len) {
    struct host *host = host_of_control(control);
    struct rpc_message message = {0};
    const char *why = json_check(text, len);
    if (why == NULL && rpc_parse(text, len, &message, &why) == 0 && message.method != NULL &&
        message.params.text != NULL) {
        cJSON *params = json_parse_checked(message.params.text, message.params.len, &why);
        if (strcmp(message.method, "ready") == 0) {
            on_ready(host, params);
        } else if (strcmp(message.method, "failed") == 0) {
            const char *reason = json_get_string(params, "reason");
            free(host->failure);
            host->failure = xstrdup(reason ? reason : "unknown");
        } else if (strcmp(message.method, "shot") == 0) {
            host->shot = true;
        } else if (strcmp(message.method, "memory") == 0) {
            host->rss_kb = (long)json_get_number(params, "rss_kb", 0);
            pool_host_grew(host);
        } else if (strcmp(message.method, "cache") == 0) {
            host->pool->server->cache_bytes = (uint64_t)json_get_number(params, "bytes", 0);
        }
        cJSON_Delete(params);
    }
    rpc_message_deinit(&message);
}

static void on_control_too_long(struct channel *control) {
    host_kill(host_of_control(control));
}

static void on_control_ended(struct channel *control, const char *why) {
    (void)why;
    host_stream_ended(host_of_control(control));
}

static void on_control_closed(struct channel *control) {
    host_handle_closed(host_of_control(control));
}

static const struct channel_events control_events = {
    .message = on_control_message,
    .too_long = on_control_too_long,
    .ended = on_control_ended,
    .closed = on_control_closed,
};

/* Passwords and secrets go here, since command lines can be read by all. */
static char **make_environment(const struct server *server) {
    const struct remote_options *remote = &server->options->remote;
    char **environment = xcalloc(PASSED_COUNT + 5, sizeof *environment);
    size_t n = 0;
    environment[n++] = xstrdup("LC_ALL=C.UTF-8");
    environment[n++] = xstrdup("PATH=/usr/bin:/bin");
    for (size_t i = 0; i < PASSED_COUNT; i++) {
        const char *value = getenv(passed_variables[i]);
        if (value != NULL)
            environment[n++] = xasprintf("%s=%s", passed_variables[i], value);
    }
    if (server->remote != NULL) {
        environment[n++] = xasprintf("PYCOMPILE_HOST_REMOTE=%s", remote->url);
        environment[n++] = xasprintf("PYCOMPILE_HOST_REMOTE_SECRET=%s", remote->secret);
    }
    return environment;
}

static void free_strings(char **strings) {
    for (char **string = strings; *string != NULL; string++)
        free(*string);
    free(strings);
}

/* The command line (docs/host.md). */
static char **make_arguments(const struct host *host) {
    const struct options *options = host->pool->server->options;
    char **args = xcalloc(ARGUMENTS_MAX + 1, sizeof *args);
    size_t n = 0;
    mode_t mask = umask(0);
    umask(mask);
    args[n++] = xstrdup(host->pool->program);
    args[n++] = xasprintf("--control=%d", CONTROL_FD);
    args[n++] = xasprintf("--workers=%d-%u", FIRST_WORKER_FD, FIRST_WORKER_FD + host->worker_count - 1);
    args[n++] = xasprintf("--umask=%03o", (unsigned)mask);
    if (options->host_limit_mib > 0)
        args[n++] = xasprintf("--memory-limit=%u", options->host_limit_mib);
    if (host->kind == HOST_SOLO)
        args[n++] = xstrdup("--solo");
    else if (options->big_source > 0)
        args[n++] = xasprintf("--big-source=%u", options->big_source);
    if (host->kind != HOST_SHARED)
        args[n++] = xstrdup("--pristine");
    if (options->cache != NULL) {
        args[n++] = xasprintf("--cache=%s", options->cache);
        args[n++] = xasprintf("--cache-limit=%zu", options->cache_limit);
    }
    if (host->pool->server->remote != NULL) {
        args[n++] = xasprintf("--remote-state=%u", FIRST_WORKER_FD + host->worker_count);
        args[n++] = xasprintf("--remote-timeout=%u", options->remote.timeout_ms);
        if (options->remote.read_only)
            args[n++] = xstrdup("--remote-read-only");
    }
    return args;
}

/* Runs the program with the given ends of its sockets (control first). Returns 0 or a negative error. */
static int spawn(struct host *host, const int *peer_fds, unsigned fd_count) {
    struct server *server = host->pool->server;
    char **args = make_arguments(host);
    uv_stdio_container_t *stdio = xcalloc(CONTROL_FD + fd_count + 1, sizeof *stdio);
    stdio[0].flags = UV_IGNORE;
    for (int i = 1; i <= 2; i++)
        stdio[i] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO};
    for (unsigned i = 0; i < fd_count; i++)
        stdio[CONTROL_FD + i] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = peer_fds[i]};
    if (server->remote != NULL)
        stdio[CONTROL_FD + fd_count++] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = server->remote_fd};
    char **environment = make_environment(server);
    uv_process_options_t options = {
        .exit_cb = on_process_exit,
        .file = host->pool->program,
        .args = args,
        .env = environment,
        .cwd = "/",
        .flags = UV_PROCESS_DETACHED, /* a session of its own, so that what it forks dies with it */
        .stdio_count = (int)(CONTROL_FD + fd_count),
        .stdio = stdio,
    };
    int status = uv_spawn(&server->loop, &host->process, &options);
    free_strings(environment);
    free_strings(args);
    free(stdio);
    return status;
}

static void close_all(int (*pairs)[2], unsigned count, int end) {
    for (unsigned i = 0; i < count; i++)
        close(pairs[i][end]);
}

/* Takes our ends of the sockets. */
static int open_streams(struct host *host, int (*pairs)[2]) {
    channel_init(&host->control, &host->pool->server->channels, &control_events, CONTROL_MESSAGE_MAX);
    host->control.in.framing = FRAMING_HEADERS;
    host->handles++;
    int status = uv_pipe_open(&host->control.pipe, pairs[0][0]);
    if (status == 0)
        status = channel_start(&host->control);
    for (unsigned i = 0; i < host->worker_count; i++) {
        int worker_status = worker_init(&host->workers[i], host, pairs[i + 1][0]);
        status = status < 0 ? status : worker_status;
    }
    host->open_streams = 1 + host->worker_count;
    return status;
}

/* How many processes the kernel has killed for want of memory, anywhere; -1 where it does not say. */
static long count_oom_kills(void) {
    char text[16384];
    (void)io_read_text(AT_FDCWD, "/proc/vmstat", 0, text, sizeof text);
    const char *line = strstr(text, "\noom_kill ");
    return line ? strtol(line + strlen("\noom_kill "), NULL, 10) : -1;
}

bool host_was_shot(const struct host *host) {
    switch (host->term_signal) {
    case 0:
        return false;
    case SIGSEGV: /* these a compile can die of; where it did not, the host says so */
    case SIGBUS:
    case SIGABRT:
    case SIGILL:
    case SIGFPE:
    case SIGTRAP:
    case SIGSYS:
    case SIGXCPU:
        return host->shot;
    case SIGKILL:
        return !host->killed && host->oom_kills >= 0 && host->oom_kills == count_oom_kills();
    default:
        return true;
    }
}

/* Its handles: the process, also where it could not be started, and the timer. */
static struct host *host_new(struct pool *pool, enum host_kind kind, unsigned workers) {
    struct host *host = xcalloc(1, sizeof *host + workers * sizeof *host->workers);
    list_init(&host->link);
    host->pool = pool;
    host->kind = kind;
    host->worker_count = workers;
    host->process.data = host->leave_timer.data = host;
    uv_timer_init(&pool->server->loop, &host->leave_timer);
    host->handles = 2;
    host->oom_kills = count_oom_kills();
    return host;
}

/* Returns 0 or a negative error. */
static int make_pairs(int (*pairs)[2], unsigned count) {
    for (unsigned made = 0; made < count; made++) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[made]) < 0) {
            int error = -errno;
            close_all(pairs, made, 0);
            close_all(pairs, made, 1);
            return error;
        }
    }
    return 0;
}

static bool is_shortage(int status) {
    return status == UV_EMFILE || status == UV_ENFILE || status == UV_EAGAIN || status == UV_ENOMEM ||
           status == UV_ENOBUFS;
}

struct host *host_start(struct pool *pool, enum host_kind kind, unsigned workers, char **why, bool *shortage) {
    int(*pairs)[2] = xcalloc(workers + 1, sizeof *pairs);
    int status = make_pairs(pairs, workers + 1);
    *shortage = is_shortage(status);
    if (status < 0) {
        *why = xasprintf("no host for Python %s: cannot make its sockets: %s", pool->python, uv_strerror(status));
        free(pairs);
        return NULL;
    }
    struct host *host = host_new(pool, kind, workers);
    int *peer_fds = xcalloc(workers + 1, sizeof *peer_fds);
    for (unsigned i = 0; i <= workers; i++)
        peer_fds[i] = pairs[i][1];
    server_host_come(pool->server);
    status = spawn(host, peer_fds, workers + 1);
    free(peer_fds);
    close_all(pairs, workers + 1, 1);
    int stream_status = open_streams(host, pairs);
    free(pairs);
    list_append(&pool->hosts, &host->link);
    if (status < 0 || stream_status < 0) {
        *shortage = is_shortage(status < 0 ? status : stream_status);
        *why = xasprintf("no host for Python %s: cannot start %s: %s", pool->python, pool->program,
                         uv_strerror(status < 0 ? status : stream_status));
        host->left = true; /* nothing more is to be said of it */
        if (status == 0) {
            host_kill(host);
        } else {
            host->exited = true;
            uv_close((uv_handle_t *)&host->process, on_handle_closed);
        }
        host->retiring = true;
        return NULL;
    }
    return host;
}

unsigned host_in_flight(const struct host *host) {
    unsigned count = 0;
    for (unsigned i = 0; i < host->worker_count; i++)
        count += host->workers[i].in_flight;
    return count;
}

/* End of file on a worker's socket is what ends that worker; the process goes when all have. */
static void leave_if_done(struct host *host) {
    if (!host->retiring || host->left || host_in_flight(host) > 0)
        return;
    host->left = true;
    for (unsigned i = 0; i < host->worker_count; i++) {
        uv_os_fd_t fd;
        if (uv_fileno((uv_handle_t *)&host->workers[i].channel.pipe, &fd) == 0)
            shutdown(fd, SHUT_WR);
    }
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&host->control.pipe, &fd) == 0)
        shutdown(fd, SHUT_WR);
    uv_timer_start(&host->leave_timer, on_leave_timeout, LEAVE_TIMEOUT_MS, 0);
}

void host_worker_idle(struct host *host) {
    leave_if_done(host);
}

void host_retire(struct host *host) {
    host->retiring = true;
    leave_if_done(host);
}

void host_kill(struct host *host) {
    host->retiring = true;
    if (host->process.pid <= 0 || (host->exited && host->open_streams == 0))
        return;
    host->killed = host->killed || !host->exited;
    /* While a stream is open somebody of the group lives, so that its number is not another's. */
    if (kill(-host->process.pid, SIGKILL) < 0 && !host->exited) /* not yet a group of its own: just begun */
        uv_process_kill(&host->process, SIGKILL);
}
