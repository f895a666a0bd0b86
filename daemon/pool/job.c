/* See job.h. */
#include "daemon/pool/job.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "daemon/peers/connection.h"
#include "daemon/peers/reply.h"
#include "daemon/pool/pool.h"
#include "daemon/server.h"
#include "proto/rpc.h"

/* Removing a file takes no time, unless the file system hangs. */
#define CLEANUP_TIMEOUT_MS 10000

/* What the connection is charged with. */
static size_t job_size(const struct job *job) {
    return sizeof *job + sizeof *job->reply + job->params_len;
}

static void leave_client(struct job *job) {
    if (job->client == NULL)
        return;
    connection_release(job->client, job_size(job));
    connection_job_closed(job->client, job);
    job->client = NULL;
}

struct job *job_new(struct pool *pool, struct connection *client, struct reply *reply, const char *method,
                    struct json_span params) {
    struct job *job = xcalloc(1, sizeof *job);
    list_init(&job->link);
    list_init(&job->client_link);
    job->pool = pool;
    job->client = client;
    job->reply = reply;
    job->method = method;
    job->params = xmalloc(params.len);
    memcpy(job->params, params.text, params.len);
    job->params_len = params.len;
    job->id = server_job_started(pool->server);
    connection_job_opened(client, job);
    connection_hold(client, job_size(job));
    return job;
}

struct job *job_new_cleanup(struct job *job) {
    struct job *cleanup = xcalloc(1, sizeof *cleanup);
    list_init(&cleanup->link);
    list_init(&cleanup->client_link);
    cleanup->pool = job->pool;
    cleanup->method = "clean";
    cleanup->params = xmalloc(job->params_len);
    memcpy(cleanup->params, job->params, job->params_len);
    cleanup->params_len = job->params_len;
    cleanup->timeout_ms = CLEANUP_TIMEOUT_MS;
    cleanup->is_cleanup = true;
    cleanup->id = job->id;
    job->id = server_job_started(job->pool->server);
    return cleanup;
}

void job_abandon(struct job *job) {
    leave_client(job);
    if (job->reply != NULL)
        reply_drop(job->reply);
    job->reply = NULL;
}

void job_free(struct job *job) {
    assert(list_empty(&job->link));
    struct server *server = job->pool->server;
    leave_client(job);
    if (job->reply != NULL)
        reply_drop(job->reply);
    free(job->buffer);
    free(job->params);
    free(job);
    server_job_ended(server);
}

/* Takes the reply out of the job, for the answer; NULL where nobody waits. */
static struct reply *take_reply(struct job *job) {
    struct reply *reply = job->reply;
    job->reply = NULL;
    return reply;
}

void job_finish_result(struct job *job, struct json_span result) {
    struct reply *reply = take_reply(job);
    if (reply != NULL)
        reply_result(reply, result);
    job_free(job);
}

void job_finish_raw_error(struct job *job, struct json_span error) {
    struct reply *reply = take_reply(job);
    if (reply != NULL)
        reply_raw_error(reply, error);
    job_free(job);
}

void job_finish_error(struct job *job, int code, const char *message, cJSON *data) {
    struct reply *reply = take_reply(job);
    if (reply != NULL)
        reply_error(reply, code, message, data);
    else
        cJSON_Delete(data);
    job_free(job);
}

void job_finish_unavailable(struct job *job, const char *reason, bool retryable) {
    job_finish_error(job, RPC_UNAVAILABLE, reason, unavailable_data(reason, retryable));
}
