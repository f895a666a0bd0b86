/* A job's steps are those of host/compile_job.h. */
#include "host/worker_task.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "host/python_files.h"

/* The server sends no other methods. */
static enum worker_method task_method(const struct rpc_message *message) {
    static const char *const names[] = {"compile", "check", "clean", "search", "warm"};
    for (enum worker_method method = METHOD_CHECK; method <= METHOD_WARM; method++)
        if (strcmp(message->method, names[method]) == 0)
            return method;
    return METHOD_COMPILE;
}

void worker_task_init(struct worker_task *task, const char *text, size_t len) {
    const char *why;
    *task = (struct worker_task){.text = xstrndup(text, len), .start_us = clock_us()};
    int code = rpc_parse(task->text, len, &task->message, &why);
    task->answered = code != 0;
    if (code != 0)
        answer_error(&task->answer, code, why, NULL);
    else
        task->method = task_method(&task->message);
}

void worker_task_deinit(struct worker_task *task) {
    if (task->has_job)
        compile_job_deinit(&task->job);
    cJSON_Delete(task->params);
    free(task->unique);
    answer_deinit(&task->answer);
    rpc_message_deinit(&task->message);
    free(task->text);
}

void worker_task_read(struct worker_task *task, const struct job_setting *terms, long server_pid) {
    const char *error;
    char *why = NULL;
    task->params = json_parse_checked(task->message.params.text, task->message.params.len, &error);
    if (task->params == NULL || compile_request_decode(task->params, &task->request, &why) < 0) {
        answer_error(&task->answer, RPC_INVALID_PARAMS, task->params ? why : error, NULL);
        task->answered = true;
    }
    free(why);
    if (task->method == METHOD_CHECK)
        task->request.write = false;
    task->unique = xasprintf("%s.%ld", task->message.id, server_pid);
    task->setting = *terms;
    task->setting.unique = task->unique;
}

void worker_task_begin_job(struct worker_task *task) {
    if (task->answered)
        return;
    if (python_files_have_changed()) {
        answer_error(&task->answer, RPC_NEEDS_NEW_HOST, "the Python of this host was replaced", NULL);
        task->answered = true;
        return;
    }
    task->has_job = true;
    compile_job_init(&task->job, &task->setting, &task->request);
    task->answered = compile_job_begin(&task->job, &task->answer);
}

bool worker_task_is_waiting(const struct worker_task *task) {
    return task->has_job && !task->answered && compile_job_is_waiting(&task->job);
}

bool worker_task_resume_job(struct worker_task *task) {
    if (task->has_job && !task->answered)
        task->answered = compile_job_resume(&task->job, &task->answer);
    return task->answered;
}

size_t worker_task_bytes(const struct worker_task *task) {
    return task->has_job ? task->job.source.data.len : 0;
}
