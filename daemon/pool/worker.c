/* See worker.h. */
#include "daemon/pool/worker.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "daemon/log.h"
#include "daemon/pool/host.h"
#include "daemon/pool/job.h"
#include "daemon/pool/pool.h"
#include "proto/rpc.h"

/* A host's messages are trusted to be of any length: results can carry many warnings. */
#define MESSAGE_MAX ((size_t)1 << 30)

/* For a job without a timeout that nobody waits for any more. */
#define ABANDONED_TIMEOUT_MS 60000

/* How much work is given ahead, where the jobs are small. */
#define DEPTH_NS 2000000

static const char warm_id[] = "0";

static struct worker *of(struct channel *channel) {
    return list_entry(channel, struct worker, channel);
}

static void on_job_timeout(struct worker *worker) {
    struct job *job = worker->jobs[0];
    log_line("job %llu of Python %s timed out after %u ms; its host is killed", (unsigned long long)job->id,
             worker->host->pool->python, job->timeout_ms);
    job->timed_out = true;
    worker->host->blameless = true;
    host_kill(worker->host);
}

static void on_start_timeout(struct worker *worker) {
    unsigned seconds = worker->host->pool->server->options->start_timeout_s;
    free(worker->host->failure);
    worker->host->failure = xasprintf("an interpreter has not come up in %u seconds", seconds);
    worker->host->blameless = true;
    host_kill(worker->host);
}

static void on_timeout(uv_timer_t *timer) {
    struct worker *worker = timer->data;
    if (worker->in_flight > 0)
        on_job_timeout(worker);
    else if (worker->state == WORKER_STARTING)
        on_start_timeout(worker);
}

/* The first of its jobs is running now. */
static void begin_first(struct worker *worker) {
    uv_timer_stop(&worker->timer);
    if (worker->in_flight == 0)
        return;
    worker->since_ms = uv_now(worker->timer.loop);
    worker->since_ns = uv_hrtime();
    if (worker->jobs[0]->timeout_ms > 0)
        uv_timer_start(&worker->timer, on_timeout, worker->jobs[0]->timeout_ms, 0);
}

static void send_request(struct worker *worker, const char *id, const char *method, const char *params, size_t len) {
    struct buffer text = {0};
    rpc_write_request(&text, id, method, params, len);
    channel_send(&worker->channel, text.data, text.len);
    buffer_deinit(&text);
}

/* A host that breaks the protocol cannot be trusted with another job. */
static void distrust(struct worker *worker, const char *why) {
    log_line("a host of Python %s is killed: %s", worker->host->pool->python, why);
    host_kill(worker->host);
}

static void on_warm_answer(struct worker *worker, const struct rpc_message *answer) {
    if (worker->state != WORKER_STARTING) {
        distrust(worker, "it says that it is ready twice");
    } else if (answer->error.text != NULL) {
        const char *error;
        cJSON *tree = json_parse_checked(answer->error.text, answer->error.len, &error);
        const char *message = json_get_string(tree, "message");
        worker->state = WORKER_ENDED; /* its host may have others */
        uv_timer_stop(&worker->timer);
        pool_worker_failed(worker, message ? message : "no interpreter could be made");
        cJSON_Delete(tree);
    } else {
        worker->state = WORKER_READY;
        worker->host->came_up = true;
        uv_timer_stop(&worker->timer);
        pool_worker_ready(worker);
    }
}

/* One slow job is enough to be careful again; to be thought fast takes several. */
static void learn_pace(struct worker *worker) {
    uint64_t taken = uv_hrtime() - worker->since_ns;
    worker->usual_ns = taken > worker->usual_ns ? taken : (worker->usual_ns * 3 + taken) / 4;
}

unsigned worker_depth(const struct worker *worker) {
    bool slow = worker->in_flight > 0 && uv_hrtime() - worker->since_ns > DEPTH_NS;
    uint64_t depth = worker->usual_ns > 0 && !slow ? DEPTH_NS / worker->usual_ns : 0;
    return depth < 2 ? 2 : depth < WORKER_JOBS ? (unsigned)depth : WORKER_JOBS;
}

static void on_answer(struct worker *worker, const struct rpc_message *answer) {
    char id[24];
    snprintf(id, sizeof id, "%llu", worker->in_flight ? (unsigned long long)worker->jobs[0]->id : 0ull);
    if (worker->in_flight == 0 || strcmp(answer->id, id) != 0) {
        distrust(worker, "it answers what it was not asked");
        return;
    }
    struct job *job = worker->jobs[0];
    worker->in_flight--;
    memmove(worker->jobs, worker->jobs + 1, worker->in_flight * sizeof *worker->jobs);
    worker->done++;
    learn_pace(worker);
    begin_first(worker);
    pool_job_answered(worker, job, answer);
    if (worker->in_flight == 0)
        host_worker_idle(worker->host);
}

static void on_message(struct channel *channel, const char *text, size_t len) {
    struct worker *worker = of(channel);
    struct rpc_message answer = {0};
    const char *why = json_check(text, len);
    if (why != NULL || rpc_parse(text, len, &answer, &why) != 0 || answer.method != NULL)
        distrust(worker, why ? why : "it sends a request");
    else if (strcmp(answer.id, warm_id) == 0)
        on_warm_answer(worker, &answer);
    else
        on_answer(worker, &answer);
    rpc_message_deinit(&answer);
}

static void on_too_long(struct channel *channel) {
    distrust(of(channel), "its message is over the limit");
}

static void on_ended(struct channel *channel, const char *why) {
    struct worker *worker = of(channel);
    (void)why;
    worker->state = WORKER_ENDED;
    uv_timer_stop(&worker->timer);
    host_stream_ended(worker->host);
}

static void on_closed(struct channel *channel) {
    host_handle_closed(of(channel)->host);
}

static void on_timer_closed(uv_handle_t *timer) {
    struct worker *worker = timer->data;
    host_handle_closed(worker->host);
}

static const struct channel_events events = {
    .message = on_message,
    .too_long = on_too_long,
    .ended = on_ended,
    .closed = on_closed,
};

int worker_init(struct worker *worker, struct host *host, int fd) {
    struct channel_group *group = &host->pool->server->channels;
    *worker = (struct worker){.host = host};
    channel_init(&worker->channel, group, &events, MESSAGE_MAX);
    worker->channel.in.framing = FRAMING_HEADERS;
    uv_timer_init(group->prepare.loop, &worker->timer);
    worker->timer.data = worker;
    host->handles += 2;
    int status = uv_pipe_open(&worker->channel.pipe, fd);
    return status < 0 ? status : channel_start(&worker->channel);
}

void worker_warm(struct worker *worker) {
    assert(worker->state == WORKER_COLD);
    worker->state = WORKER_STARTING;
    uv_timer_start(&worker->timer, on_timeout, worker->host->pool->server->options->start_timeout_s * 1000ull, 0);
    send_request(worker, warm_id, "warm", NULL, 0);
}

void worker_assign(struct worker *worker, struct job *job) {
    assert(worker->state == WORKER_READY && worker->in_flight < WORKER_JOBS);
    char id[24];
    snprintf(id, sizeof id, "%llu", (unsigned long long)job->id);
    send_request(worker, id, job->method, job->params, job->params_len);
    job->state = JOB_ASSIGNED;
    job->worker = worker;
    worker->jobs[worker->in_flight++] = job;
    if (worker->in_flight == 1)
        begin_first(worker);
}

void worker_limit(struct worker *worker, struct job *job) {
    unsigned limit = worker->host->pool->server->options->job_timeout_ms;
    if (job->timeout_ms > 0)
        return;
    job->timeout_ms = limit > 0 ? limit : ABANDONED_TIMEOUT_MS;
    if (worker->jobs[0] == job && worker->in_flight > 0)
        uv_timer_start(&worker->timer, on_timeout, job->timeout_ms, 0);
}

void worker_leave(struct worker *worker) {
    uv_timer_stop(&worker->timer);
    channel_close(&worker->channel);
    if (!uv_is_closing((uv_handle_t *)&worker->timer))
        uv_close((uv_handle_t *)&worker->timer, on_timer_closed);
}
