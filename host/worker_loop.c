/* A worker makes its interpreter when a job first needs one or, if it was told to warm up, once it has been idle for a
 * moment. Requests that need no interpreter, such as those that the cache answers, do not wait for one. */
#include "host/worker_loop.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "host/control.h"
#include "host/host_cache.h"
#include "host/interpreter.h"
#include "host/pristine.h"
#include "host/python_files.h"
#include "host/search_job.h"
#include "host/task_queue.h"
#include "proto/frame.h"
#include "proto/rpc.h"

#define READ_SIZE ((size_t)64 << 10)
#define MESSAGE_MAX ((size_t)1 << 30)

/* Answers to small jobs are sent together, up to this many bytes. */
#define HELD_MAX ((size_t)16 << 10)

/* The same where requests are begun ahead: the server is to send the next ones while there are some. */
#define AHEAD_HELD_MAX ((size_t)4 << 10)

/* The resident size is checked once in this many jobs. */
#define MEMORY_EVERY 32

/* The idle time after which a worker warms up. Making an interpreter takes tens of milliseconds in which the worker
 * answers nothing, and the first requests of the client that has just started the daemon should not wait for it. */
#define WARM_AFTER_MS 50

/* The idle time after which a worker adds its hits and misses to the counters of the cache. */
#define COUNT_AFTER_MS 100

struct worker_loop {
    const struct worker_setting *setting;
    struct frame_reader reader;
    struct buffer held;      /* answers not yet sent */
    struct task_queue ahead; /* requests that were begun; empty unless a remote cache is asked */
    struct compiler *compiler;
    bool warm_wanted; /* when there is time */
    bool hopeless;    /* no interpreter can be made */
    unsigned long jobs;
    struct pristine_child ready; /* in a pristine host */
    bool is_child;               /* of a pristine host */
};

/* Sends the answers that are held. */
static bool send_held(struct worker_loop *loop) {
    bool fine = io_send_all(loop->setting->fd, loop->held.data, loop->held.len) == 0;
    loop->held.len = 0;
    return fine;
}

/* Writes an error in place of an answer that is longer than the server takes. */
static void shorten_answer(const char *id, struct buffer *text) {
    char *message =
        xasprintf("Internal error: the answer of %zu bytes is over the limit of %zu", text->len, RPC_ANSWER_MAX);
    text->len = 0;
    rpc_write_error(text, id, RPC_INTERNAL_ERROR, message, NULL);
    free(message);
}

static void hold_answer(struct worker_loop *loop, const char *id, const struct answer *answer) {
    struct buffer text = {0};
    if (answer->result != NULL) {
        struct buffer result = {0};
        json_print(answer->result, &result);
        rpc_write_result(&text, id, result.data, result.len);
        buffer_deinit(&result);
    } else {
        rpc_write_error(&text, id, answer->code, answer->message, answer->data);
    }
    if (text.len > RPC_ANSWER_MAX)
        shorten_answer(id, &text);
    frame_write(FRAMING_HEADERS, text.data, text.len, &loop->held);
    buffer_deinit(&text);
}

/* Makes the interpreter at the first call. Returns whether there is one; if not, *answer holds the error. */
static bool warm(struct worker_loop *loop, struct answer *answer) {
    if (loop->compiler != NULL)
        return true;
    const char *why = loop->hopeless ? "no interpreter could be made before" : NULL;
    if (why == NULL && loop->setting->own_gil)
        why = interpreter_enter();
    else if (why == NULL)
        interpreter_init_runtime(loop->setting->control_fd);
    loop->hopeless = true;
    if (why != NULL) {
        answer_error(answer, RPC_INTERNAL_ERROR, why, NULL);
        return false;
    }
    /* PYCOMPILE_HOST_INEXACT is for bench/run --only exactness alone. */
    loop->compiler = compiler_new(loop->setting->pristine || getenv("PYCOMPILE_HOST_INEXACT") != NULL);
    loop->hopeless = loop->compiler == NULL;
    if (loop->hopeless)
        answer_internal_error(answer, NULL);
    return !loop->hopeless;
}

/* As warm(), for a job: without an interpreter, *answer sends the job to a pristine process. */
static bool warm_for_job(struct worker_loop *loop, struct answer *answer) {
    (void)send_held(loop); /* a failure shows again when the next answer is sent */
    if (warm(loop, answer))
        return true;
    fprintf(stderr, "pycompile-host: no interpreter could be made: %s\n", answer->message);
    if (!loop->setting->pristine) {
        answer_deinit(answer);
        answer_error(answer, RPC_NEEDS_PRISTINE, "no interpreter could be made", NULL);
    }
    return false;
}

/* Whether another request is here or coming. */
static bool is_more_waiting(const struct worker_loop *loop) {
    struct pollfd input = {.fd = loop->setting->fd, .events = POLLIN};
    return loop->ahead.count > 1 || frame_reader_pending(&loop->reader) || poll(&input, 1, 0) > 0;
}

/* Adds the member `trace`: which worker gave the answer, and when. */
static void add_trace(struct answer *answer, int64_t start_us) {
    if (answer->result == NULL && answer->data == NULL)
        answer->data = cJSON_CreateObject();
    cJSON *trace = cJSON_AddObjectToObject(answer->result ? answer->result : answer->data, "trace");
    cJSON_AddNumberToObject(trace, "host", getpid());
    cJSON_AddNumberToObject(trace, "worker", gettid());
    cJSON_AddNumberToObject(trace, "start_us", (double)start_us);
    cJSON_AddNumberToObject(trace, "elapsed_us", (double)(clock_us() - start_us));
}

static void run_search(const struct rpc_message *message, struct answer *answer) {
    struct search_request request;
    const char *error;
    char *why = NULL;
    cJSON *params = json_parse_checked(message->params.text, message->params.len, &error);
    if (params == NULL || search_request_decode(params, &request, &why) < 0)
        answer_error(answer, RPC_INVALID_PARAMS, params ? why : error, NULL);
    else
        search_job_run(&request, answer);
    free(why);
    cJSON_Delete(params);
}

/* Whether the Python is the one that this host was started for. If not, *answer sends the job to a new host. */
static bool is_of_same_python(struct answer *answer) {
    if (!python_files_have_changed())
        return true;
    answer_error(answer, RPC_NEEDS_NEW_HOST, "the Python of this host was replaced", NULL);
    return false;
}

/* Does what is left of a job. */
static void finish_job(struct worker_loop *loop, struct compile_job *job, struct answer *answer) {
    if (!warm_for_job(loop, answer))
        return;
    compile_job_finish(job, loop->compiler, answer);
    if (loop->setting->pristine || !is_more_waiting(loop))
        host_cache_flush(); /* a client that gets the answer finds the entry */
}

/* Begins a compile or a check; for METHOD_CLEAN removes what a dead run of the same request and id has left. */
static void begin_job(struct worker_loop *loop, struct worker_task *task) {
    const struct job_setting terms = {
        .may_chdir = !loop->setting->own_gil,
        .may_ask_cache = !loop->setting->pristine || loop->setting->solo,
        .solo = loop->setting->solo,
        .source_max = loop->setting->source_max,
        .mask = loop->setting->mask,
    };
    worker_task_read(task, &terms, loop->setting->server_pid);
    if (task->method != METHOD_CLEAN) {
        worker_task_begin_job(task);
    } else if (!task->answered) {
        compile_job_clean(&task->setting, &task->request);
        task->answer.result = cJSON_CreateObject();
        task->answered = true;
    }
}

/* Compiles the probe of the trial as any file; a failure shows in the comparison. */
static void compile_probe(struct worker_loop *loop, const struct trial *trial) {
    struct job_setting setting = {.mask = 077, .unique = "trial"};
    struct compile_request request;
    struct answer answer = {0};
    compile_request_init(&request);
    request.file = trial->probe;
    request.cfile = trial->ours;
    request.cache = CACHE_BYPASS;
    struct compile_job job;
    compile_job_init(&job, &setting, &request);
    if (!compile_job_begin(&job, &answer) && !compile_job_resume(&job, &answer))
        finish_job(loop, &job, &answer);
    compile_job_deinit(&job);
    answer_deinit(&answer);
}

/* Whether this host compiles as the interpreter's own py_compile; if not, *answer holds the error. A Python that was
 * replaced meanwhile is no failure: the first job finds that out, and goes to a new host. */
static bool stand_trial(struct worker_loop *loop, struct answer *answer) {
    bool is_warm = warm(loop, answer);
    if (is_warm)
        compile_probe(loop, loop->setting->trial);
    char *why = trial_judge(loop->setting->trial); /* which also removes what the trial has made */
    bool fine = is_warm && (why == NULL || python_files_have_changed());
    if (is_warm && !fine)
        answer_error(answer, RPC_INTERNAL_ERROR, why, NULL);
    free(why);
    return fine;
}

/* Adds the member `files`: of what Python the trial went well. */
static void add_files(cJSON *result) {
    char name[PYTHON_FILES_NAME_SIZE];
    python_files_name(name);
    cJSON_AddStringToObject(result, "files", name);
}

/* A pristine worker compiles nothing itself, so its interpreter stays fresh: it is made at once. */
static void answer_warm(struct worker_loop *loop, struct answer *answer) {
    bool fine = true;
    loop->warm_wanted = true;
    if (loop->setting->trial != NULL)
        fine = stand_trial(loop, answer);
    else if (loop->setting->pristine)
        fine = warm(loop, answer);
    if (!fine)
        return;
    answer->result = cJSON_CreateObject();
    if (loop->setting->tells_files)
        add_files(answer->result);
}

static bool is_job(const struct worker_task *task) {
    return task->method == METHOD_COMPILE || task->method == METHOD_CHECK || task->method == METHOD_CLEAN;
}

/* Makes the answer to a request that was begun. */
static void answer_task(struct worker_loop *loop, struct worker_task *task) {
    if (task->method == METHOD_WARM)
        answer_warm(loop, &task->answer);
    else if (task->method == METHOD_SEARCH && is_of_same_python(&task->answer) && warm_for_job(loop, &task->answer))
        run_search(&task->message, &task->answer);
    else if (is_job(task) && !worker_task_resume_job(task))
        finish_job(loop, &task->job, &task->answer);
    if (is_job(task) && task->request.trace)
        add_trace(&task->answer, task->start_us);
}

/* The child that ran the job has died. Removes its temporary file, since nobody else would if the server died too, and
 * ends this process as the child has ended, which tells the server. */
static _Noreturn void follow_child(struct worker_loop *loop, struct worker_task *task, int status) {
    if (task->method == METHOD_COMPILE) {
        task->method = METHOD_CLEAN;
        begin_job(loop, task);
    }
    pristine_die_like(status);
}

static bool handle(struct worker_loop *loop, const char *text, size_t len);

/* What a child does: one job. */
static _Noreturn void run_in_child(struct worker_loop *loop, const char *text, size_t len) {
    loop->is_child = true;
    bool fine = handle(loop, text, len);
    host_cache_leave();
    _exit(fine ? 0 : 1);
}

/* Forks the child of the next job. A solo host has no next one, and its first may need the memory that a copy of the
 * request takes. */
static void prepare_child(struct worker_loop *loop) {
    struct buffer text = {0};
    if (!loop->setting->solo && pristine_prepare(&loop->ready, &text))
        run_in_child(loop, text.data, text.len);
}

/* Makes a child do the job, which is answered then. While it works, the child of the next job is forked. */
static void run_by_child(struct worker_loop *loop, struct worker_task *task, const char *text, size_t len) {
    pid_t child = pristine_give(&loop->ready, text, len);
    if (child == 0 && (child = pristine_fork()) == 0)
        run_in_child(loop, text, len);
    prepare_child(loop);
    int status = pristine_wait(child, loop->setting->control_fd);
    if (status != 0)
        follow_child(loop, task, status);
}

/* Whether a child does what is asked for: this process itself compiles nothing. */
static bool is_for_child(const struct worker_loop *loop, const struct worker_task *task) {
    return loop->setting->pristine && !loop->is_child && loop->compiler != NULL && task->method != METHOD_WARM;
}

/* Whether the held answers can wait for the next one: its request is here already, and the answers are short. They are
 * sent before an interpreter is used (warm_for_job()), since compiling can kill the process. */
static bool may_hold(const struct worker_loop *loop) {
    if (loop->setting->pristine)
        return false;
    if (loop->ahead.count > 0)
        return loop->held.len < AHEAD_HELD_MAX && !worker_task_is_waiting(task_queue_first(&loop->ahead));
    return loop->held.len < HELD_MAX && frame_reader_pending(&loop->reader);
}

/* Sends the answer of a task, or holds it. */
static bool deliver(struct worker_loop *loop, struct worker_task *task) {
    control_report_cache(loop->setting->control_fd);
    hold_answer(loop, task->message.id, &task->answer);
    bool fine = may_hold(loop) || send_held(loop);
    if (loop->setting->pristine && !loop->is_child && loop->compiler != NULL)
        prepare_child(loop);
    if (++loop->jobs % MEMORY_EVERY == 0)
        control_report_memory(loop->setting->control_fd);
    return fine;
}

/* Handles one request from its text to its answer. Returns false where the worker is to end. */
static bool handle(struct worker_loop *loop, const char *text, size_t len) {
    struct worker_task task;
    bool fine = true;
    worker_task_init(&task, text, len);
    if (!task.answered && is_for_child(loop, &task)) {
        run_by_child(loop, &task, text, len);
    } else {
        if (!task.answered && is_job(&task))
            begin_job(loop, &task);
        answer_task(loop, &task);
        fine = deliver(loop, &task);
    }
    worker_task_deinit(&task);
    return fine;
}

/* Waits for input, and meanwhile does what had to wait. Returns false on the order to leave. */
static bool wait_for_input(struct worker_loop *loop) {
    const struct worker_setting *setting = loop->setting;
    if (setting->pristine)
        return control_wait_readable(setting->fd, setting->control_fd);
    struct pollfd input = {.fd = setting->fd, .events = POLLIN};
    if (loop->warm_wanted && loop->compiler == NULL && !loop->hopeless && poll(&input, 1, WARM_AFTER_MS) == 0) {
        struct answer nobodys = {0};
        warm_for_job(loop, &nobodys);
        answer_deinit(&nobodys);
    }
    if (host_cache_has_counts() && poll(&input, 1, COUNT_AFTER_MS) == 0)
        host_cache_count();
    return true; /* reading waits */
}

/* Reads what is there; waits for it. Returns false at the end of the socket. */
static bool read_input(struct worker_loop *loop) {
    ssize_t got;
    do
        got = read(loop->setting->fd, frame_reader_reserve(&loop->reader, READ_SIZE), READ_SIZE);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        frame_reader_commit(&loop->reader, (size_t)got);
    return got > 0;
}

/* Begins the requests that are here, as many as there is room for. Whether the stream is fine. */
static bool begin_ahead(struct worker_loop *loop) {
    enum frame_status status = FRAME_NONE;
    const char *text;
    size_t len;
    while (task_queue_has_room(&loop->ahead) &&
           (status = frame_reader_next(&loop->reader, &text, &len)) == FRAME_READY) {
        struct worker_task *task = xcalloc(1, sizeof *task);
        worker_task_init(task, text, len);
        if (!task->answered && is_job(task))
            begin_job(loop, task);
        task_queue_add(&loop->ahead, task);
    }
    return status == FRAME_READY || status == FRAME_NONE;
}

/* Whether more requests are here that can be begun, and it is of use to do so now. */
static bool should_read_ahead(const struct worker_loop *loop) {
    bool low = loop->ahead.count < TASK_QUEUE_MAX / 2 || worker_task_is_waiting(task_queue_first(&loop->ahead));
    struct pollfd input = {.fd = loop->setting->fd, .events = POLLIN};
    return low && task_queue_has_room(&loop->ahead) && poll(&input, 1, 0) > 0;
}

/* Answers the first of the requests that were begun. Answers that are held do not wait for the remote cache. */
static bool finish_first(struct worker_loop *loop) {
    struct worker_task *task = task_queue_first(&loop->ahead);
    if (worker_task_is_waiting(task) && !send_held(loop))
        return false;
    answer_task(loop, task);
    bool fine = deliver(loop, task_queue_take(&loop->ahead));
    worker_task_deinit(task);
    free(task);
    return fine;
}

/* The loop of a worker that asks a remote cache: it has begun the next requests when it answers one. */
static void loop_ahead(struct worker_loop *loop) {
    while (begin_ahead(loop)) {
        if (loop->ahead.count > 0 && !should_read_ahead(loop)) {
            if (!finish_first(loop))
                break;
        } else if ((loop->ahead.count == 0 && !wait_for_input(loop)) || !read_input(loop)) {
            break;
        }
    }
    task_queue_deinit(&loop->ahead);
}

/* The loop of any other worker. */
static void loop_in_turn(struct worker_loop *loop) {
    const char *text;
    size_t len;
    for (;;) {
        enum frame_status status = frame_reader_next(&loop->reader, &text, &len);
        bool fine = status == FRAME_READY ? handle(loop, text, len)
                                          : status == FRAME_NONE && wait_for_input(loop) && read_input(loop);
        if (!fine)
            break;
    }
}

void worker_loop(const struct worker_setting *setting) {
    struct worker_loop loop = {.setting = setting};
    frame_reader_init(&loop.reader, MESSAGE_MAX);
    if (host_cache_has_remote() && !setting->pristine)
        loop_ahead(&loop);
    else
        loop_in_turn(&loop);
    frame_reader_deinit(&loop.reader);
    buffer_deinit(&loop.held);
    shutdown(setting->fd, SHUT_RDWR);
}
