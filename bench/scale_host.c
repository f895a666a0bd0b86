/* A worker host (docs/host.md) for bench/scale. It compiles nothing: each worker answers a job when the time of a
 * compile has passed, or at once. So one core can play as many busy cores as there are workers. One thread serves all
 * workers.
 *
 * The server cleans the environment of a host: the file `compile-us` beside this program holds the time of a compile.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "proto/frame.h"
#include "proto/json.h"
#include "proto/rpc.h"

#define WORKERS_MAX 64
#define JOBS_MAX 16
#define READ_SIZE 65536
#define MESSAGE_MAX ((size_t)1 << 20)

static const char result[] =
    "{\"cfile\":\"/home/somebody/project/package/__pycache__/module_with_a_name.cpython-313.pyc\","
    "\"outcome\":\"compiled\",\"python\":\"3.99.0\",\"warnings\":[],\"elapsed_us\":1234}";

struct scale_job {
    char id[24];
    bool warm; /* answered with an empty result, and at once */
};

struct scale_worker {
    int fd;
    struct frame_reader in;
    struct buffer out;
    struct scale_job jobs[JOBS_MAX]; /* the first one runs */
    unsigned count;
    int64_t due_ns; /* of the first one's answer */
};

static int64_t scale_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static _Noreturn void scale_die(const char *why) {
    fprintf(stderr, "scale_host: %s\n", why);
    exit(1);
}

static void scale_answer(struct scale_worker *worker) {
    const struct scale_job *job = &worker->jobs[0];
    struct buffer text = {0};
    rpc_write_result(&text, job->id, job->warm ? "{}" : result, job->warm ? 2 : sizeof result - 1);
    frame_write(FRAMING_HEADERS, text.data, text.len, &worker->out);
    buffer_deinit(&text);
    worker->count--;
    memmove(worker->jobs, worker->jobs + 1, worker->count * sizeof *worker->jobs);
}

/* Answers what is due by `now_ns`. The next job begins when the one before has ended. */
static void scale_answer_due(struct scale_worker *worker, int64_t now_ns, int64_t compile_ns) {
    while (worker->count > 0 && (worker->due_ns <= now_ns || worker->jobs[0].warm)) {
        scale_answer(worker);
        worker->due_ns += compile_ns;
    }
    if (worker->out.len > 0 && io_send_all(worker->fd, worker->out.data, worker->out.len) < 0)
        exit(0); /* the server is gone */
    worker->out.len = 0;
}

static void scale_take(struct scale_worker *worker, const char *text, size_t len, int64_t due_ns) {
    static const char *const names[] = {"id", "method"};
    struct json_span members[2];
    json_members(text, len, names, members, 2);
    struct scale_job *job = &worker->jobs[worker->count];
    if (members[0].len >= sizeof job->id || worker->count == JOBS_MAX)
        scale_die("the server sends more than a worker takes");
    memcpy(job->id, members[0].text, members[0].len);
    job->id[members[0].len] = '\0';
    job->warm = json_span_is(members[1], "\"warm\"");
    if (worker->count++ == 0)
        worker->due_ns = due_ns;
}

static void scale_read(struct scale_worker *worker, int64_t due_ns) {
    const char *text;
    size_t len;
    ssize_t got = recv(worker->fd, frame_reader_reserve(&worker->in, READ_SIZE), READ_SIZE, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        exit(0);
    frame_reader_commit(&worker->in, got > 0 ? (size_t)got : 0);
    while (frame_reader_next(&worker->in, &text, &len) == FRAME_READY)
        scale_take(worker, text, len, due_ns);
}

/* The time until the first answer is due, or NULL where none is. */
static const struct timespec *scale_left(const struct scale_worker *workers, unsigned count, struct timespec *left) {
    int64_t first_ns = INT64_MAX, now_ns = scale_now_ns();
    for (unsigned i = 0; i < count; i++)
        if (workers[i].count > 0 && workers[i].due_ns < first_ns)
            first_ns = workers[i].due_ns;
    if (first_ns == INT64_MAX)
        return NULL;
    int64_t left_ns = first_ns > now_ns ? first_ns - now_ns : 0;
    *left = (struct timespec){left_ns / 1000000000, left_ns % 1000000000};
    return left;
}

static _Noreturn void scale_serve(struct scale_worker *workers, unsigned count, int control_fd, int64_t compile_ns) {
    struct pollfd polled[WORKERS_MAX + 1];
    struct timespec left;
    for (unsigned i = 0; i < count; i++)
        polled[i] = (struct pollfd){.fd = workers[i].fd, .events = POLLIN};
    polled[count] = (struct pollfd){.fd = control_fd, .events = POLLIN};
    for (;;) {
        if (ppoll(polled, count + 1, scale_left(workers, count, &left), NULL) < 0 && errno != EINTR)
            scale_die("cannot wait");
        if (polled[count].revents != 0)
            exit(0); /* the order to leave */
        int64_t now_ns = scale_now_ns();
        for (unsigned i = 0; i < count; i++) {
            if (polled[i].revents != 0)
                scale_read(&workers[i], now_ns + compile_ns);
            scale_answer_due(&workers[i], now_ns, compile_ns);
        }
    }
}

/* The time of a compile, from the file beside the program. */
static int64_t scale_compile_ns(const char *program) {
    char text[32], *path = xasprintf("%.*s/compile-us", (int)(strrchr(program, '/') - program), program);
    if (io_read_text(AT_FDCWD, path, 0, text, sizeof text) < 0)
        scale_die("there is no file compile-us beside it");
    free(path);
    return strtoll(text, NULL, 10) * 1000;
}

int main(int argc, char **argv) {
    static struct scale_worker workers[WORKERS_MAX];
    static const char ready[] = "{\"jsonrpc\":\"2.0\",\"method\":\"ready\",\"params\":{\"python\":\"3.99.0\"}}";
    unsigned control = 0, first = 0, last = 0;
    struct buffer out = {0};
    for (int i = 1; i < argc; i++) /* other options mean nothing here */
        (void)(sscanf(argv[i], "--control=%u", &control) + sscanf(argv[i], "--workers=%u-%u", &first, &last));
    if (control == 0 || first == 0 || last < first || last - first >= WORKERS_MAX)
        scale_die("it is for bench/scale");
    prctl(PR_SET_TIMERSLACK, 1000);
    for (unsigned i = 0; i <= last - first; i++) {
        workers[i].fd = (int)(first + i);
        frame_reader_init(&workers[i].in, MESSAGE_MAX);
        workers[i].in.framing = FRAMING_HEADERS;
    }
    frame_write(FRAMING_HEADERS, ready, sizeof ready - 1, &out);
    (void)io_send_all((int)control, out.data, out.len); /* a server that is gone shows at once */
    buffer_deinit(&out);
    scale_serve(workers, last - first + 1, (int)control, scale_compile_ns(argv[0]));
}
