/* One request to a worker, from its text to its answer, in two steps: what needs no interpreter, and the rest. Between
 * the two the remote cache may be asked, so that a worker that has begun its next requests does not wait for each
 * answer of a server. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/compile_job.h"
#include "proto/rpc.h"

enum worker_method {
    METHOD_COMPILE,
    METHOD_CHECK,
    METHOD_CLEAN,
    METHOD_SEARCH,
    METHOD_WARM,
};

struct worker_task {
    char *text; /* of the request; owned */
    struct rpc_message message;
    enum worker_method method;
    struct answer answer;
    bool answered; /* `answer` is made */
    int64_t start_us;
    cJSON *params;
    struct compile_request request;
    struct job_setting setting;
    char *unique; /* names the temporary file */
    struct compile_job job;
    bool has_job;
};

/* Begins a request: copies its text and reads the envelope. The server has checked the client's text, and wrote the
 * rest itself: it is not checked again. */
void worker_task_init(struct worker_task *task, const char *text, size_t len);
void worker_task_deinit(struct worker_task *task);

/* Reads the parameters of a job, and takes the terms; `task->unique` names its temporary file. Where they are wrong the
 * task is answered. */
void worker_task_read(struct worker_task *task, const struct job_setting *terms, long server_pid);

/* Does the steps of a job that need no interpreter, up to asking the remote cache. */
void worker_task_begin_job(struct worker_task *task);

/* Whether worker_task_resume_job() would wait for the remote cache. */
bool worker_task_is_waiting(const struct worker_task *task);

/* Takes what the remote cache has answered. Whether the task is answered; else the job needs an interpreter. */
bool worker_task_resume_job(struct worker_task *task);

/* Bytes of the source that the task holds. */
size_t worker_task_bytes(const struct worker_task *task);
