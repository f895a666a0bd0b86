/* The life of a host: its start, its reports on the control socket, its leaving, its death. */
#include "daemon/pool/host.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "daemon/log.h"
#include "proto/rpc.h"

#define CONTROL_MESSAGE_MAX ((size_t)64 << 10)

/* Time in which a host without jobs has to leave. */
#define LEAVE_TIMEOUT_MS 10000

/* Time that a host has to die by itself after it has closed a socket: its exit status is of interest. */
#define HANG_UP_TIMEOUT_MS 500

/* Time that the streams of a host have to end after its process: they may hold answers. */
#define REAPED_TIMEOUT_MS 2000

static struct host *host_of_control(struct channel *control) {
    return list_entry(control, struct host, control);
}

static struct host *host_of_process(struct host_process *process) {
    return list_entry(process, struct host, process);
}

static void host_part_closed(struct host *host) {
    if (--host->parts > 0)
        return;
    struct census *census = host->group->census;
    free(host->version);
    free(host->interpreter);
    free(host->files);
    free(host->failure);
    free(host);
    census_host_ended(census);
}

static void host_on_timer_closed(uv_handle_t *timer) {
    host_part_closed(timer->data);
}

/* No more jobs for it. */
static void host_stop_using(struct host *host) {
    host->retiring = true;
    host->group->changes++;
}

static void host_close_channels(struct host *host) {
    for (unsigned i = 0; i < host->worker_count; i++)
        worker_close(&host->workers[i]);
    channel_close(&host->control);
}

/* The pool takes the host's jobs, then what is left of the host is closed. */
static void host_end(struct host *host) {
    host->group->changes++;
    host->group->events->gone(host);
    host->left = true;
    uv_close((uv_handle_t *)&host->leave_timer, host_on_timer_closed);
    host_close_channels(host);
}

static void host_check_gone(struct host *host) {
    if (host->exited && host->open_streams == 0)
        host_end(host);
}

/* The process has ended, and a stream has not: a process that it has forked lives, or the stream has failed. */
static void host_on_reaped_timeout(uv_timer_t *timer) {
    struct host *host = timer->data;
    log_line("a host of Python %s has ended, but %u of its sockets have not", host->group->python, host->open_streams);
    host_kill(host);
    host->open_streams = 0;
    host_end(host);
}

static void host_on_leave_timeout(uv_timer_t *timer) {
    struct host *host = timer->data;
    log_line("a host of Python %s does not leave and is killed", host->group->python);
    host_kill(host);
}

static void host_on_process_exited(struct host_process *process, int64_t exit_status, int term_signal) {
    struct host *host = host_of_process(process);
    host->exited = true;
    host->exit_status = exit_status;
    host->term_signal = term_signal;
    uv_timer_start(&host->leave_timer, host_on_reaped_timeout, REAPED_TIMEOUT_MS, 0);
    host_check_gone(host);
}

static void host_on_process_closed(struct host_process *process) {
    host_part_closed(host_of_process(process));
}

static const struct host_process_events host_process_events = {
    .exited = host_on_process_exited,
    .closed = host_on_process_closed,
};

static void host_stream_ended(struct host *host) {
    host->open_streams--;
    host->group->changes++;
    if (!host->left && !host->exited && !uv_is_active((uv_handle_t *)&host->leave_timer)) {
        host_stop_using(host);
        uv_timer_start(&host->leave_timer, host_on_leave_timeout, HANG_UP_TIMEOUT_MS, 0);
    }
    host_check_gone(host);
}

static void host_set_failure(struct host *host, const char *why) {
    free(host->failure);
    host->failure = xstrdup(why);
}

static void host_take_report(struct host *host, const char *method, const cJSON *params) {
    if (strcmp(method, "ready") == 0) {
        const char *version = json_get_string(params, "python");
        const char *interpreter = json_get_string(params, "interpreter");
        free(host->interpreter);
        host->interpreter = interpreter ? xstrdup(interpreter) : NULL;
        free(host->version);
        host->version = xstrdup(version ? version : host->group->python);
        host->group->events->ready(host);
    } else if (strcmp(method, "failed") == 0) {
        const char *reason = json_get_string(params, "reason");
        host_set_failure(host, reason ? reason : "unknown");
    } else if (strcmp(method, "shot") == 0) {
        host->shot = true;
    } else if (strcmp(method, "memory") == 0) {
        host->rss_kb = (long)json_get_integer(params, "rss_kb", 0, INT_MAX, 0);
        host->group->events->grew(host);
    } else if (strcmp(method, "cache") == 0) {
        host->group->census->cache_bytes = (uint64_t)json_get_integer(params, "bytes", 0, JSON_INTEGER_MAX, 0);
    }
}

static void host_on_control_message(struct channel *control, const char *text, size_t len) {
    struct rpc_message message = {0};
    const char *why = json_check(text, len);
    if (why == NULL && rpc_parse(text, len, &message, &why) == 0 && message.method != NULL &&
        message.params.text != NULL) {
        cJSON *params = json_parse_checked(message.params.text, message.params.len, &why);
        host_take_report(host_of_control(control), message.method, params);
        cJSON_Delete(params);
    }
    rpc_message_deinit(&message);
}

static void host_on_control_too_long(struct channel *control) {
    host_kill(host_of_control(control));
}

static void host_on_control_ended(struct channel *control, const char *why) {
    host_stream_ended(host_of_control(control));
}

static void host_on_control_closed(struct channel *control) {
    host_part_closed(host_of_control(control));
}

static const struct channel_events host_control_events = {
    .message = host_on_control_message,
    .too_long = host_on_control_too_long,
    .ended = host_on_control_ended,
    .closed = host_on_control_closed,
};

/* End of file on its sockets is what asks a host to leave: each worker ends when it has answered its jobs. */
static void host_leave_if_done(struct host *host) {
    uv_os_fd_t fd;
    if (!host->retiring || host->left || host_in_flight(host) > 0)
        return;
    host->left = true;
    if (host->exited)
        return;
    for (unsigned i = 0; i < host->worker_count; i++)
        if (uv_fileno((uv_handle_t *)&host->workers[i].channel.pipe, &fd) == 0)
            shutdown(fd, SHUT_WR);
    if (uv_fileno((uv_handle_t *)&host->control.pipe, &fd) == 0)
        shutdown(fd, SHUT_WR);
    uv_timer_start(&host->leave_timer, host_on_leave_timeout, LEAVE_TIMEOUT_MS, 0);
}

static void host_on_worker_ready(struct worker *worker, const char *files) {
    if (files != NULL && worker->host->files == NULL)
        worker->host->files = xstrdup(files);
    worker->host->came_up = true;
    worker->host->group->changes++;
    worker->host->group->events->worker_ready(worker);
}

/* A host in which no worker's interpreter came up is of no use; else it goes on with those that did. */
static void host_on_worker_failed(struct worker *worker, const char *why) {
    struct host *host = worker->host;
    host->group->changes++;
    if (host->came_up) {
        log_line("a host of Python %s cannot have another interpreter: %s", host->group->python, why);
        return;
    }
    host_set_failure(host, why);
    host_kill(host);
}

static void host_on_worker_answered(struct worker *worker, struct job *job, const struct rpc_message *answer) {
    worker->host->group->events->answered(worker, job, answer);
}

static void host_on_worker_idle(struct worker *worker) {
    host_leave_if_done(worker->host);
}

static void host_on_worker_overdue(struct worker *worker, struct job *job) {
    struct host *host = worker->host;
    if (job != NULL) {
        log_line("job %llu of Python %s timed out after %u ms; its host is killed", (unsigned long long)job->id,
                 host->group->python, job->timeout_ms);
        job->timed_out = true;
    } else {
        free(host->failure);
        host->failure =
            xasprintf("an interpreter has not come up in %u seconds", host->group->options->start_timeout_s);
    }
    host->blameless = true;
    host_kill(host);
}

/* A host that breaks the protocol cannot be trusted with another job. */
static void host_on_worker_broken(struct worker *worker, const char *why) {
    log_line("a host of Python %s is killed: %s", worker->host->group->python, why);
    host_kill(worker->host);
}

static void host_on_worker_ended(struct worker *worker) {
    host_stream_ended(worker->host);
}

static void host_on_worker_closed(struct worker *worker) {
    host_part_closed(worker->host);
}

static const struct worker_events host_worker_events = {
    .ready = host_on_worker_ready,
    .failed = host_on_worker_failed,
    .answered = host_on_worker_answered,
    .idle = host_on_worker_idle,
    .overdue = host_on_worker_overdue,
    .broken = host_on_worker_broken,
    .ended = host_on_worker_ended,
    .closed = host_on_worker_closed,
};

/* Makes the channels at the server's ends of the socketpairs, which it takes. Returns 0 or a negative errno value. */
static int host_open_streams(struct host *host, int (*pairs)[2]) {
    struct host_group *group = host->group;
    channel_init(&host->control, group->channels, &host_control_events, CONTROL_MESSAGE_MAX);
    host->control.in.framing = FRAMING_HEADERS;
    int status = uv_pipe_open(&host->control.pipe, pairs[0][0]);
    if (status < 0)
        close(pairs[0][0]);
    else
        status = channel_start(&host->control);
    for (unsigned i = 0; i < host->worker_count; i++) {
        int worker_status =
            worker_init(&host->workers[i], host, &host_worker_events, group->options, group->channels, pairs[i + 1][0]);
        host->workers[i].asks_ahead = host->kind == HOST_SHARED && group->remote_fd >= 0;
        status = status < 0 ? status : worker_status;
    }
    host->open_streams = 1 + host->worker_count;
    return status;
}

static struct host *host_new(struct host_group *group, enum host_kind kind, unsigned workers) {
    struct host *host = xcalloc(1, sizeof *host + workers * sizeof *host->workers);
    host->group = group;
    host->kind = kind;
    host->worker_count = workers;
    host->parts = 3 + workers; /* the process, the timer, the control channel; the workers */
    host->process.events = &host_process_events;
    host->leave_timer.data = host;
    uv_timer_init(group->loop, &host->leave_timer);
    host->oom_kills = group->driver->oom_kills();
    list_append(&group->hosts, &host->link);
    census_host_started(group->census);
    return host;
}

static void host_close_ends(int (*pairs)[2], unsigned count, int end) {
    for (unsigned i = 0; i < count; i++)
        close(pairs[i][end]);
}

/* Returns 0 or a negative errno value. */
static int host_make_pairs(int (*pairs)[2], unsigned count) {
    for (unsigned made = 0; made < count; made++) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[made]) < 0) {
            int error = -errno;
            host_close_ends(pairs, made, 0);
            host_close_ends(pairs, made, 1);
            return error;
        }
    }
    return 0;
}

static bool host_is_shortage(int status) {
    return status == -EMFILE || status == -ENFILE || status == -EAGAIN || status == -ENOMEM || status == -ENOBUFS;
}

/* Starts the process with the hosts' ends of the socketpairs, which are closed. Returns 0 or a negative errno value;
 * then the process counts as exited. */
static int host_run(struct host *host, int (*pairs)[2]) {
    unsigned count = 1 + host->worker_count;
    int *fds = xcalloc(count, sizeof *fds);
    for (unsigned i = 0; i < count; i++)
        fds[i] = pairs[i][1];
    struct host_command command = {
        .program = host->group->program,
        .interpreter = host->group->interpreter,
        .trial = host->group->trial,
        .files = host->group->files,
        .kind = host->kind,
        .workers = host->worker_count,
        .fds = fds,
        .options = host->group->options,
        .remote_fd = host->group->remote_fd,
    };
    int status = host->group->driver->start(&host->process, host->group->loop, &command);
    host->exited = status < 0;
    host_close_ends(pairs, count, 1);
    free(fds);
    return status;
}

/* A start that has failed half-way: what exists of the host goes, and its end is not reported as a crash. */
static void host_abandon(struct host *host) {
    host->left = true;
    host_stop_using(host);
    if (!host->exited)
        host_kill(host);
    else
        uv_timer_start(&host->leave_timer, host_on_reaped_timeout, REAPED_TIMEOUT_MS, 0);
}

struct host *host_start(struct host_group *group, enum host_kind kind, unsigned workers, bool *shortage, char **why) {
    int(*pairs)[2] = xcalloc(workers + 1, sizeof *pairs);
    int status = host_make_pairs(pairs, workers + 1);
    *shortage = host_is_shortage(status);
    if (status < 0) {
        *why = xasprintf("no host for Python %s: cannot make its sockets: %s", group->python, uv_strerror(status));
        free(pairs);
        return NULL;
    }
    struct host *host = host_new(group, kind, workers);
    status = host_run(host, pairs);
    int stream_status = host_open_streams(host, pairs);
    status = status < 0 ? status : stream_status;
    free(pairs);
    if (status < 0) {
        *shortage = host_is_shortage(status);
        *why =
            xasprintf("no host for Python %s: cannot start %s: %s", group->python, group->program, uv_strerror(status));
        host_abandon(host);
        return NULL;
    }
    return host;
}

long host_memory_kb(const struct host *host) {
    long kb = host->exited ? 0 : host_process_memory_kb(host->process.pid);
    return kb > 0 ? kb : host->rss_kb;
}

unsigned host_in_flight(const struct host *host) {
    unsigned count = 0;
    for (unsigned i = 0; i < host->worker_count; i++)
        count += host->workers[i].in_flight;
    return count;
}

void host_warm(struct worker *worker) {
    worker_warm(worker);
    worker->host->group->changes++;
}

void host_retire(struct host *host) {
    host_stop_using(host);
    host_leave_if_done(host);
}

void host_kill(struct host *host) {
    host_stop_using(host);
    if (host->process.pid <= 0 || (host->exited && host->open_streams == 0))
        return;
    host->killed = host->killed || !host->exited;
    /* While a stream is open a process of the group lives, so that its number is not another group's. */
    host->group->driver->kill(&host->process, host->exited);
}

bool host_was_shot(const struct host *host) {
    switch (host->term_signal) {
    case 0:
        return false;
    case SIGSEGV: /* these a compile can die of; if another process sent it, the host reports that */
    case SIGBUS:
    case SIGABRT:
    case SIGILL:
    case SIGFPE:
    case SIGTRAP:
    case SIGSYS:
    case SIGXCPU:
        return host->shot;
    case SIGKILL:
        return !host->killed && host->oom_kills >= 0 && host->oom_kills == host->group->driver->oom_kills();
    default:
        return true;
    }
}

struct host *host_group_find(const struct host_group *group, enum host_kind kind) {
    list_each(link, &group->hosts) {
        struct host *host = list_entry(link, struct host, link);
        if (host->kind == kind && !host->retiring)
            return host;
    }
    return NULL;
}
