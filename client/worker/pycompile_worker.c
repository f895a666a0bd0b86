/* pycompile-worker: a persistent worker for Bazel, which takes the arguments of rules_python's precompiler. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "client/standard_fds.h"
#include "client/stderr_text.h"
#include "client/worker/work.h"
#include "client/worker/work_stream.h"

#define PROG "pycompile-worker"

#define READ_SIZE ((size_t)1 << 16)
/* Work and unwritten responses, in bytes, beyond which no more requests are read. */
#define JOBS_MAX 4096
#define UNWRITTEN_MAX ((size_t)1 << 20)

static const char help[] =
    "usage: pycompile-worker --persistent_worker [options]\n"
    "       pycompile-worker [options] --src PATH --src_name NAME --pyc PATH ... | @FILE\n"
    "\n"
    "Compiles Python sources for Bazel: as a persistent worker (JSON or protocol buffers, singleplex or\n"
    "multiplex) or, without --persistent_worker, those of the command line. A compile server of its own\n"
    "does the work, and ends with it.\n"
    "\n"
    "options:\n"
    "  --persistent_worker   serve requests on standard input\n"
    "  --cache_dir DIR       keep compiled sources in a cache in DIR (default: no cache)\n"
    "  --workers N           interpreters, at most (default: the cores)\n"
    "  --version             print the version\n"
    "  -h, --help            print this\n"
    "\n"
    "of each piece of work:\n"
    "  --src PATH            a source; with --src_name and --pyc, once for each source\n"
    "  --src_name NAME       the name that the source has in tracebacks\n"
    "  --pyc PATH            the file to write\n"
    "  --invalidation_mode {checked_hash,unchecked_hash,timestamp}\n"
    "                        default: checked_hash\n"
    "  --optimize N          -1, 0, 1 or 2 (default: -1)\n"
    "  --python_version X.Y  the version to compile for; another one is never taken instead\n"
    "  --magic_number N      the magic number to compile for, such as 3571; another one is never taken instead\n"
    "  --log_level LEVEL, --worker_impl IMPL\n"
    "                        taken for the sake of rules_python, and without effect\n";

struct worker {
    struct work work;
    struct work_stream stream;
    struct buffer out; /* responses that are not written yet */
    bool persistent;
    bool ended; /* nothing more comes in */
    bool deaf;  /* nobody takes responses any more */
    int status; /* the exit status */
};

/* Writes text that is already as standard error takes it. */
static void worker_say(const char *text) {
    (void)io_write_all(STDERR_FILENO, text, strlen(text));
}

static void worker_on_answer(const struct work_response *response, void *context) {
    struct worker *worker = context;
    if (worker->persistent) {
        work_stream_write(&worker->stream, response, &worker->out);
        return;
    }
    worker_say(response->output);
    worker->status = response->exit_code;
}

/* An invalid request that has an id is answered; without one, it may be a singleplex request, which has none. */
static void worker_refuse(struct worker *worker, const struct work_request *request, const char *why) {
    char *text = xasprintf(PROG ": error: the request is not understood: %s\n", why);
    worker_say(text);
    worker_on_answer(&(struct work_response){.exit_code = 2, .output = text, .id = request->id}, worker);
    free(text);
}

/* The stream cannot be followed any longer: what was taken is finished. */
static void worker_break_off(struct worker *worker, const char *why) {
    char *text = xasprintf(PROG ": error: standard input is not understood: %s\n", why);
    worker_say(text);
    free(text);
    worker->ended = true;
    worker->status = 1;
}

static void worker_take_requests(struct worker *worker) {
    struct work_request request;
    const char *why;
    enum work_status status;
    while ((status = work_stream_next(&worker->stream, &request, &why)) != WORK_NONE) {
        if (status == WORK_READY)
            work_take(&worker->work, &request);
        if (status == WORK_INVALID)
            worker_refuse(worker, &request, why);
        work_request_deinit(&request);
        if (status == WORK_BROKEN) {
            worker_break_off(worker, why);
            return;
        }
    }
}

static void worker_read(struct worker *worker) {
    char data[READ_SIZE];
    ssize_t len = read(STDIN_FILENO, data, sizeof data);
    if (len > 0) {
        work_stream_feed(&worker->stream, data, (size_t)len);
        worker_take_requests(worker);
    } else if (len == 0 && work_stream_pending(&worker->stream)) {
        worker_break_off(worker, "it ends within a request");
    } else if (len == 0 || (errno != EINTR && errno != EAGAIN)) {
        worker->ended = true;
    }
}

/* A pipe that is ready takes PIPE_BUF bytes without blocking. */
static void worker_write(struct worker *worker) {
    size_t len = worker->out.len < PIPE_BUF ? worker->out.len : PIPE_BUF;
    ssize_t written = write(STDOUT_FILENO, worker->out.data, len);
    if (written > 0)
        buffer_consume(&worker->out, (size_t)written);
    else if (written < 0 && errno != EINTR && errno != EAGAIN)
        worker->deaf = true;
}

/* Waits for input, output and the server, and serves those that are ready. */
static void worker_turn(struct worker *worker) {
    bool listens = !worker->ended && worker->work.job_count < JOBS_MAX && worker->out.len < UNWRITTEN_MAX;
    struct own_server *server = &worker->work.server;
    short events = server->is_open && rpc_client_unsent(&server->client) > 0 ? POLLIN | POLLOUT : POLLIN;
    struct pollfd polled[] = {
        {listens ? STDIN_FILENO : -1, POLLIN, 0},
        {worker->persistent ? STDOUT_FILENO : -1, worker->out.len > 0 ? POLLOUT : 0, 0},
        {server->is_open ? server->client.fd : -1, events, 0},
    };
    if (poll(polled, sizeof polled / sizeof *polled, work_quiet_left(&worker->work)) < 0)
        return; /* interrupted */
    if (polled[2].revents & ~POLLOUT)
        work_receive(&worker->work);
    if (polled[1].revents & POLLOUT)
        worker_write(worker);
    if (polled[1].revents & (POLLERR | POLLNVAL))
        worker->deaf = true;
    if (polled[0].revents != 0)
        worker_read(worker);
    work_check(&worker->work);
}

static void worker_run(struct worker *worker) {
    while (!worker->deaf) {
        work_send(&worker->work);
        if (worker->ended && worker->work.job_count == 0 && worker->out.len == 0)
            return;
        worker_turn(worker);
    }
}

/* Serves requests; the server is started at once, so that it is warm when they come. */
static void worker_serve(struct worker *worker) {
    char *why = NULL;
    if (own_server_open(&worker->work.server, &why) < 0) {
        char *text = xasprintf(PROG ": %s\n", why); /* each request says so, too */
        stderr_text_print(text);
        free(text);
        free(why);
    }
    worker_run(worker);
}

/* Does the work of the command line. */
static void worker_do_once(struct worker *worker) {
    worker->ended = true;
    work_take(&worker->work, &(struct work_request){0}); /* the default arguments are all */
    worker_run(worker);
}

static _Noreturn void worker_usage_error(const char *name) {
    char *text = xasprintf(PROG ": error: argument %s: expected one argument\n", name);
    stderr_text_print(text);
    free(text);
    exit(2);
}

/* The value of a start-up option, where argv[*at] is that option; else NULL. */
static const char *worker_option(const char *name, int argc, char **argv, int *at) {
    size_t len = strlen(name);
    if (strncmp(argv[*at], name, len) != 0)
        return NULL;
    if (argv[*at][len] == '=')
        return argv[*at] + len + 1;
    if (argv[*at][len] != '\0')
        return NULL;
    if (*at + 1 == argc)
        worker_usage_error(name);
    return argv[++*at];
}

/* Takes the options of the process; what is left stands before the arguments of each request. */
static void worker_parse(struct worker *worker, int argc, char **argv) {
    int left = 1;
    const char *value;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "--version") == 0) {
            fputs(argv[i][2] == 'v' ? PROG " " PYCOMPILED_VERSION "\n" : help, stdout);
            exit(0);
        }
        if (strcmp(argv[i], "--persistent_worker") == 0)
            worker->persistent = true;
        else if ((value = worker_option("--cache_dir", argc, argv, &i)) != NULL)
            worker->work.server.cache = value;
        else if ((value = worker_option("--workers", argc, argv, &i)) != NULL)
            worker->work.server.workers = value;
        else
            argv[left++] = argv[i];
    }
    worker->work.defaults = argv + 1;
    worker->work.default_count = (size_t)left - 1;
}

int main(int argc, char **argv) {
    struct worker worker = {0};
    standard_fds_occupy();
    signal(SIGPIPE, SIG_IGN);
    int status = work_init(&worker.work);
    if (status < 0) {
        char *text = xasprintf(PROG ": the working directory is unknown: %s\n", strerror(-status));
        stderr_text_print(text);
        free(text);
        return 1;
    }
    worker.work.answer = worker_on_answer;
    worker.work.context = &worker;
    worker_parse(&worker, argc, argv);
    if (worker.persistent)
        worker_serve(&worker);
    else
        worker_do_once(&worker);
    work_deinit(&worker.work);
    work_stream_deinit(&worker.stream);
    buffer_deinit(&worker.out);
    return worker.status;
}
