/* A job's life: its client, its answer, its end. */
#include "daemon/pool/job.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/buffer.h"
#include "daemon/peers/return_address.h"
#include "proto/rpc.h"

/* Removing a file takes no time, unless the file system hangs. */
#define CLEANUP_TIMEOUT_MS 10000

/* Charges the client, if there is one, for `bytes` more. */
static void job_hold(struct job *job, size_t bytes) {
    if (job->client == NULL)
        return;
    job->held += bytes;
    connection_hold(job->client, bytes);
}

static void job_leave_client(struct job *job) {
    struct connection *client = job->client;
    if (client == NULL)
        return;
    job->client = NULL;
    connection_release(client, job->held);
    job->held = 0;
    connection_detach(client, &job->attachment);
}

struct job *job_new(struct pool *pool, struct census *census, enum job_kind kind, struct json_span params) {
    struct job *job = xcalloc(1, sizeof *job);
    list_init(&job->link);
    list_init(&job->attachment.link);
    job->kind = kind;
    job->wants = HOST_SHARED;
    job->pool = pool;
    job->census = census;
    job->params = xmalloc(params.len);
    memcpy(job->params, params.text, params.len);
    job->params_len = params.len;
    job->id = census_job_started(census);
    job->born_ns = uv_hrtime();
    return job;
}

void job_attach(struct job *job, struct connection *client, const struct attachment_events *events,
                struct return_address *address) {
    job->client = client;
    job->address = address;
    connection_attach(client, &job->attachment, events);
    job_hold(job, sizeof *job + job->params_len);
}

void job_set_buffer(struct job *job, char *file) {
    job->buffer = file;
    job_hold(job, strlen(file) + 1);
}

void job_charge_copy(struct job *job) {
    if (!job->copy_charged) /* once, however often it is run */
        job_hold(job, job->params_len);
    job->copy_charged = true;
}

struct job *job_of_attachment(struct attachment *attachment) {
    return list_entry(attachment, struct job, attachment);
}

struct job *job_new_cleanup(struct job *job) {
    struct json_span params = {job->params, job->params_len};
    struct job *cleanup = job_new(job->pool, job->census, JOB_CLEAN, params);
    uint64_t next_id = cleanup->id;
    cleanup->timeout_ms = CLEANUP_TIMEOUT_MS;
    cleanup->id = job->id;
    job->id = next_id;
    return cleanup;
}

const char *job_method(const struct job *job) {
    static const char *const methods[] = {
        [JOB_COMPILE] = "compile",
        [JOB_CHECK] = "check",
        [JOB_SEARCH] = "search",
        [JOB_CLEAN] = "clean",
    };
    return methods[job->kind];
}

void job_abandon(struct job *job) {
    job_leave_client(job);
    if (job->address != NULL)
        return_address_drop(job->address);
    job->address = NULL;
}

/* Counts the end. One that no worker has begun has waited until now. */
static void job_count(const struct job *job) {
    if (job->kind != JOB_COMPILE && job->kind != JOB_CHECK)
        return;
    uint64_t ended_ns = job->ended_ns ? job->ended_ns : uv_hrtime();
    uint64_t begun_ns = job->begun_ns ? job->begun_ns : ended_ns, work_ns = ended_ns - begun_ns;
    census_outcome(job->census, job->outcome, begun_ns - job->born_ns, work_ns);
    if (job->begun_ns)
        recent_note_time(&job->census->recent, (struct json_span){job->params, job->params_len}, work_ns);
}

void job_free(struct job *job) {
    assert(list_empty(&job->link));
    struct census *census = job->census;
    job_count(job);
    job_abandon(job);
    free(job->buffer);
    free(job->params);
    free(job);
    census_job_ended(census);
}

/* Takes the address out of the job, for the answer; NULL where nobody waits. */
static struct return_address *job_take_address(struct job *job) {
    struct return_address *address = job->address;
    job->address = NULL;
    return address;
}

void job_finish_result(struct job *job, struct json_span result) {
    struct return_address *address = job_take_address(job);
    if (address != NULL)
        return_address_result(address, result);
    job_free(job);
}

static enum outcome job_outcome_of(long code) {
    switch (code) {
    case RPC_OS_ERROR:
        return OUTCOME_OSERROR;
    case RPC_WORKER_CRASHED:
        return OUTCOME_CRASHED;
    case RPC_TIMEOUT:
        return OUTCOME_TIMEOUT;
    case RPC_UNAVAILABLE:
        return OUTCOME_UNAVAILABLE;
    case RPC_REQUEST_CANCELLED:
        return OUTCOME_CANCELLED;
    default:
        return OUTCOME_FAILED;
    }
}

static void job_note_error(struct job *job, long code, struct json_span message) {
    job->outcome = job_outcome_of(code);
    if (job->outcome != OUTCOME_CANCELLED && job->outcome != OUTCOME_UNAVAILABLE)
        recent_note_error(&job->census->recent, (struct json_span){job->params, job->params_len}, message, uv_hrtime());
}

static struct json_span job_member(struct json_span object, const char *name) {
    return object.text != NULL ? json_member(object.text, object.len, name) : (struct json_span){NULL, 0};
}

/* What a person reads of an error. The message of a source in error is the same for all; its data has the compiler's.
 */
static struct json_span job_error_text(long code, struct json_span error) {
    struct json_span text = {NULL, 0};
    if (code == RPC_PY_COMPILE_ERROR)
        text = job_member(job_member(job_member(error, "data"), "exc_value"), "msg");
    return text.text != NULL && *text.text == '"' ? text : job_member(error, "message");
}

void job_finish_raw_error(struct job *job, long code, struct json_span error) {
    job_note_error(job, code, job_error_text(code, error));
    struct return_address *address = job_take_address(job);
    if (address != NULL)
        return_address_raw_error(address, error);
    job_free(job);
}

/* `message` is plain ASCII without a quote or a backslash in all cases that are noted. */
void job_finish_error(struct job *job, int code, const char *message, cJSON *data) {
    struct buffer text = {0};
    buffer_printf(&text, "\"%s\"", message);
    job_note_error(job, code, (struct json_span){text.data, text.len});
    buffer_deinit(&text);
    struct return_address *address = job_take_address(job);
    if (address != NULL)
        return_address_error(address, code, message, data);
    else
        cJSON_Delete(data);
    job_free(job);
}

void job_finish_unavailable(struct job *job, const char *reason, bool retryable) {
    job_finish_error(job, RPC_UNAVAILABLE, reason, rpc_unavailable_data(reason, retryable));
}
