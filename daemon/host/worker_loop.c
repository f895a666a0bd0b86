/* See worker_loop.h. */
#include "daemon/host/worker_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/host/compile_job.h"
#include "daemon/host/control.h"
#include "daemon/host/interpreter.h"
#include "daemon/host/pristine.h"
#include "daemon/host/search_job.h"
#include "proto/frame.h"
#include "proto/rpc.h"

#define READ_SIZE ((size_t)64 << 10)
#define MESSAGE_MAX ((size_t)1 << 30)

/* The host's size is looked at every so many jobs. */
#define MEMORY_EVERY 32

struct worker_loop {
    const struct worker_setting *setting;
    struct compiler *compiler;
    unsigned long jobs;
};

static bool send_all(int fd, const char *data, size_t len) {
    while (len > 0) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        data += sent;
        len -= (size_t)sent;
    }
    return true;
}

static bool send_answer(int fd, const char *id, const struct answer *answer) {
    struct buffer text = {0}, frame = {0};
    if (answer->result != NULL) {
        struct buffer result = {0};
        json_print(answer->result, &result);
        rpc_write_result(&text, id, result.data, result.len);
        buffer_deinit(&result);
    } else {
        rpc_write_error(&text, id, answer->code, answer->message, answer->data);
    }
    frame_write(FRAMING_HEADERS, text.data, text.len, &frame);
    bool fine = send_all(fd, frame.data, frame.len);
    buffer_deinit(&text);
    buffer_deinit(&frame);
    return fine;
}

/* Brings the interpreter up, once. Returns false with an error in *answer. */
static bool warm(struct worker_loop *loop, struct answer *answer) {
    if (loop->compiler != NULL)
        return true;
    const char *why = loop->setting->own_gil ? interpreter_enter() : NULL;
    if (why != NULL) {
        answer_error(answer, RPC_INTERNAL_ERROR, why, NULL);
        return false;
    }
    /* The benchmark of what exactness costs leaves it out. */
    loop->compiler = compiler_new(loop->setting->pristine || getenv("PYCOMPILE_HOST_INEXACT") != NULL);
    if (loop->compiler == NULL)
        answer_internal_error(answer, NULL);
    return loop->compiler != NULL;
}

static long long now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000ll + now.tv_nsec / 1000;
}

/* Adds to the answer which worker gave it when. */
static void add_trace(struct answer *answer, long long start_us) {
    if (answer->result == NULL && answer->data == NULL)
        answer->data = cJSON_CreateObject();
    cJSON *trace = cJSON_AddObjectToObject(answer->result ? answer->result : answer->data, "trace");
    cJSON_AddNumberToObject(trace, "host", getpid());
    cJSON_AddNumberToObject(trace, "worker", gettid());
    cJSON_AddNumberToObject(trace, "start_us", (double)start_us);
    cJSON_AddNumberToObject(trace, "elapsed_us", (double)(now_us() - start_us));
}

static void run_search(const struct rpc_message *message, struct answer *answer) {
    struct search_request request;
    const char *error;
    char why[160];
    cJSON *params = json_parse(message->params.text, message->params.len, &error);
    if (params == NULL || search_request_decode(params, &request, why, sizeof why) < 0)
        answer_error(answer, RPC_INVALID_PARAMS, params ? why : error, NULL);
    else
        search_job_run(&request, answer);
    cJSON_Delete(params);
}

/* Compiles, checks, or removes what a dead run of the same request and id has left. */
static void run_job(struct worker_loop *loop, const struct rpc_message *message, struct answer *answer) {
    struct compile_request request;
    long long start_us = now_us();
    const char *error;
    char why[160];
    cJSON *params = json_parse(message->params.text, message->params.len, &error);
    if (params == NULL || compile_request_decode(params, &request, why, sizeof why) < 0) {
        answer_error(answer, RPC_INVALID_PARAMS, params ? why : error, NULL);
    } else {
        if (strcmp(message->method, "check") == 0)
            request.write = false;
        char *unique = xasprintf("%s.%ld", message->id, loop->setting->server_pid);
        struct job_setting setting = {
            .compiler = loop->compiler,
            .may_chdir = !loop->setting->own_gil,
            .solo = loop->setting->solo,
            .source_max = loop->setting->source_max,
            .mask = loop->setting->mask,
            .unique = unique,
        };
        if (strcmp(message->method, "clean") == 0) {
            compile_job_clean(&setting, &request);
            answer->result = cJSON_CreateObject();
        } else {
            compile_job_run(&setting, &request, answer);
        }
        if (request.trace)
            add_trace(answer, start_us);
        free(unique);
    }
    cJSON_Delete(params);
}

static void answer_request(struct worker_loop *loop, const struct rpc_message *message, struct answer *answer) {
    if (!warm(loop, answer))
        return;
    if (strcmp(message->method, "warm") == 0)
        answer->result = cJSON_CreateObject();
    else if (strcmp(message->method, "search") == 0)
        run_search(message, answer);
    else
        run_job(loop, message, answer);
}

/* The child that ran the job has died: the server, if it lives, sees this process die likewise and has the file
 * removed; where it does not nobody else will. */
static _Noreturn void follow_child(struct worker_loop *loop, const struct rpc_message *message, int status) {
    struct rpc_message clean = *message;
    struct answer answer = {0};
    char method[] = "clean";
    clean.method = method;
    if (strcmp(message->method, "compile") == 0)
        run_job(loop, &clean, &answer);
    pristine_die_like(status);
}

/* Has a child do the job. Returns true in the child, false when it has been answered. */
static bool fork_for(struct worker_loop *loop, const struct rpc_message *message) {
    int status;
    if (pristine_fork(loop->setting->control_fd, &status))
        return true;
    if (status != 0)
        follow_child(loop, message, status);
    return false;
}

/* Handles one request. Returns false where the worker is to end. */
static bool handle(struct worker_loop *loop, const char *text, size_t len) {
    struct rpc_message message = {0};
    struct answer answer = {0};
    const char *why = json_check(text, len);
    int code = why ? RPC_PARSE_ERROR : rpc_parse(text, len, &message, &why);
    bool forked = code == 0 && loop->setting->pristine && loop->compiler != NULL &&
                  strcmp(message.method, "warm") != 0;
    if (forked && !fork_for(loop, &message)) {
        rpc_message_deinit(&message);
        return true;
    }
    if (code != 0)
        answer_error(&answer, code, why, NULL);
    else
        answer_request(loop, &message, &answer);
    bool fine = send_answer(loop->setting->fd, message.id, &answer);
    if (forked)
        _exit(fine ? 0 : 1);
    answer_deinit(&answer);
    rpc_message_deinit(&message);
    if (++loop->jobs % MEMORY_EVERY == 0)
        control_report_memory(loop->setting->control_fd);
    return fine;
}

void worker_loop(const struct worker_setting *setting) {
    struct worker_loop loop = {.setting = setting};
    struct frame_reader reader;
    frame_reader_init(&reader, MESSAGE_MAX);
    for (;;) {
        const char *text;
        size_t len;
        enum frame_status status = frame_reader_next(&reader, &text, &len);
        if (status == FRAME_READY) {
            if (!handle(&loop, text, len))
                break;
            continue;
        }
        if (status != FRAME_NONE || (setting->pristine && !control_wait_readable(setting->fd, setting->control_fd)))
            break;
        ssize_t got = read(setting->fd, frame_reader_reserve(&reader, READ_SIZE), READ_SIZE);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        frame_reader_commit(&reader, (size_t)got);
    }
    frame_reader_deinit(&reader);
    shutdown(setting->fd, SHUT_RDWR);
}
