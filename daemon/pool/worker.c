/* The protocol between the server and one worker (docs/host.md): requests in order, answers in the same order. */
#include "daemon/pool/worker.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/decimal.h"
#include "daemon/pool/job.h"

/* For a job without a timeout that no client waits for any more. */
#define ABANDONED_TIMEOUT_MS 60000

/* The amount of work that a worker has ahead, where the jobs are small. */
#define DEPTH_NS 2000000

/* The amount of work that a worker has ahead, where it asks a remote cache for the jobs: several round trips. */
#define AHEAD_NS 20000000

/* Characters of the name that a host gives the files of its interpreter (docs/host.md). */
#define FILES_NAME_LEN 16

static const char warm_id[] = "0";

static struct worker *worker_of(struct channel *channel) {
    return list_entry(channel, struct worker, channel);
}

static void worker_on_timer(uv_timer_t *timer);

/* The deadline comes in so many milliseconds; 0: there is none. Deadlines move with every job, nearly always to a later
 * time: the timer is left as it is where it rings early enough, so that it is not set for each job. */
static void worker_set_deadline(struct worker *worker, uint64_t left_ms) {
    uint64_t now_ms = uv_now(worker->timer.loop);
    worker->deadline_ms = left_ms > 0 ? now_ms + left_ms : 0;
    if (left_ms == 0 || (worker->timer_ms != 0 && worker->timer_ms <= worker->deadline_ms))
        return;
    worker->timer_ms = worker->deadline_ms;
    uv_timer_start(&worker->timer, worker_on_timer, left_ms, 0);
}

static void worker_on_deadline(struct worker *worker) {
    if (worker->in_flight > 0)
        worker->events->overdue(worker, worker->jobs[0]);
    else if (worker->state == WORKER_STARTING)
        worker->events->overdue(worker, NULL);
}

static void worker_on_timer(uv_timer_t *timer) {
    struct worker *worker = timer->data;
    uint64_t now_ms = uv_now(timer->loop), deadline_ms = worker->deadline_ms;
    worker->timer_ms = 0;
    if (deadline_ms > now_ms)
        worker_set_deadline(worker, deadline_ms - now_ms);
    else if (deadline_ms != 0)
        worker_on_deadline(worker);
}

/* The first of its jobs is running now. */
static void worker_begin_first(struct worker *worker, uint64_t now_ns) {
    worker_set_deadline(worker, worker->in_flight > 0 ? worker->jobs[0]->timeout_ms : 0);
    worker->since_ms = uv_now(worker->timer.loop);
    worker->since_ns = now_ns;
    if (worker->in_flight > 0) {
        worker->jobs[0]->begun_ns = now_ns;
        worker->jobs[0]->ended_ns = 0;
    }
}

static void worker_request(struct worker *worker, const char *id, const char *method, const char *params, size_t len) {
    struct buffer text = {0};
    rpc_write_request(&text, id, method, params, len);
    channel_send(&worker->channel, text.data, text.len);
    buffer_deinit(&text);
}

static void worker_warm_failed(struct worker *worker, struct json_span error) {
    const char *why;
    cJSON *tree = json_parse_checked(error.text, error.len, &why);
    const char *message = json_get_string(tree, "message");
    worker->state = WORKER_ENDED; /* its host may have others */
    worker->events->failed(worker, message ? message : "no interpreter could be made");
    cJSON_Delete(tree);
}

/* It becomes a part of a command line. */
static bool worker_is_files_name(const char *text) {
    size_t len = strlen(text);
    return len == FILES_NAME_LEN && strspn(text, "0123456789abcdef") == len;
}

static void worker_warm_succeeded(struct worker *worker, struct json_span result) {
    const char *why;
    cJSON *tree = json_parse_checked(result.text, result.len, &why);
    const char *files = json_get_string(tree, "files");
    worker->state = WORKER_READY;
    worker->events->ready(worker, files && worker_is_files_name(files) ? files : NULL);
    cJSON_Delete(tree);
}

static void worker_take_warm_answer(struct worker *worker, const struct rpc_message *answer) {
    if (worker->state != WORKER_STARTING) {
        worker->events->broken(worker, "it says that it is ready twice");
        return;
    }
    worker_set_deadline(worker, 0);
    if (answer->error.text != NULL) {
        worker_warm_failed(worker, answer->error);
    } else {
        worker_warm_succeeded(worker, answer->result);
    }
}

/* A single slow job makes the worker count as slow; it takes several fast ones to count as fast. */
static void worker_learn_pace(struct worker *worker, uint64_t now_ns) {
    uint64_t taken = now_ns - worker->since_ns;
    worker->mean_ns = worker->mean_ns > 0 ? (worker->mean_ns * 15 + taken) / 16 : taken;
    worker->usual_ns = taken > worker->usual_ns ? taken : (worker->usual_ns * 3 + taken) / 4;
}

/* The mean counts, not a slow job: waiting for the remote cache's answer comes once for many jobs. */
static unsigned worker_depth_ahead(const struct worker *worker) {
    if (worker->in_flight > 0 && uv_hrtime() - worker->since_ns > AHEAD_NS)
        return 2;
    uint64_t depth = worker->mean_ns > 0 ? AHEAD_NS / worker->mean_ns : WORKER_JOBS / 4;
    return depth < WORKER_JOBS_LOCAL ? WORKER_JOBS_LOCAL : depth < WORKER_JOBS ? (unsigned)depth : WORKER_JOBS;
}

unsigned worker_depth(const struct worker *worker) {
    if (worker->asks_ahead)
        return worker_depth_ahead(worker);
    bool slow = worker->in_flight > 0 && uv_hrtime() - worker->since_ns > DEPTH_NS;
    uint64_t depth = worker->usual_ns > 0 && !slow ? DEPTH_NS / worker->usual_ns : 0;
    return depth < 2 ? 2 : depth < WORKER_JOBS_LOCAL ? (unsigned)depth : WORKER_JOBS_LOCAL;
}

static void worker_take_answer(struct worker *worker, const struct rpc_message *answer) {
    char id[DECIMAL_SIZE];
    (void)decimal_write(worker->in_flight ? worker->jobs[0]->id : 0, id);
    if (worker->in_flight == 0 || strcmp(answer->id, id) != 0) {
        worker->events->broken(worker, "it answers what it was not asked");
        return;
    }
    struct job *job = worker->jobs[0];
    uint64_t now_ns = uv_hrtime();
    job->ended_ns = now_ns;
    worker->in_flight--;
    memmove(worker->jobs, worker->jobs + 1, worker->in_flight * sizeof *worker->jobs);
    worker->done++;
    worker_learn_pace(worker, now_ns);
    worker_begin_first(worker, now_ns);
    worker->events->answered(worker, job, answer);
    if (worker->in_flight == 0)
        worker->events->idle(worker);
}

static void worker_on_message(struct channel *channel, const char *text, size_t len) {
    struct worker *worker = worker_of(channel);
    struct rpc_message answer = {0};
    const char *why = json_check(text, len);
    if (why != NULL || rpc_parse(text, len, &answer, &why) != 0 || answer.method != NULL)
        worker->events->broken(worker, why ? why : "it sends a request");
    else if (strcmp(answer.id, warm_id) == 0)
        worker_take_warm_answer(worker, &answer);
    else
        worker_take_answer(worker, &answer);
    rpc_message_deinit(&answer);
}

static void worker_on_too_long(struct channel *channel) {
    struct worker *worker = worker_of(channel);
    worker->events->broken(worker, "its message is over the limit");
}

static void worker_on_ended(struct channel *channel, const char *why) {
    struct worker *worker = worker_of(channel);
    worker->state = WORKER_ENDED;
    worker_set_deadline(worker, 0);
    worker->events->ended(worker);
}

static void worker_handle_closed(struct worker *worker) {
    if (--worker->handles == 0)
        worker->events->closed(worker);
}

static void worker_on_closed(struct channel *channel) {
    worker_handle_closed(worker_of(channel));
}

static void worker_on_timer_closed(uv_handle_t *timer) {
    worker_handle_closed(timer->data);
}

static const struct channel_events worker_channel_events = {
    .message = worker_on_message,
    .too_long = worker_on_too_long,
    .ended = worker_on_ended,
    .closed = worker_on_closed,
};

int worker_init(struct worker *worker, struct host *host, const struct worker_events *events,
                const struct options *options, struct channel_group *channels, int fd) {
    *worker = (struct worker){.host = host, .events = events, .options = options, .handles = 2};
    list_init(&worker->room);
    channel_init(&worker->channel, channels, &worker_channel_events, RPC_ANSWER_MAX);
    worker->channel.in.framing = FRAMING_HEADERS;
    uv_timer_init(worker->channel.pipe.loop, &worker->timer);
    worker->timer.data = worker;
    int status = uv_pipe_open(&worker->channel.pipe, fd);
    if (status < 0)
        close(fd);
    return status < 0 ? status : channel_start(&worker->channel);
}

void worker_warm(struct worker *worker) {
    assert(worker->state == WORKER_COLD);
    worker->state = WORKER_STARTING;
    worker_set_deadline(worker, worker->options->start_timeout_s * 1000ull);
    worker_request(worker, warm_id, "warm", NULL, 0);
}

void worker_assign(struct worker *worker, struct job *job) {
    assert(worker->state == WORKER_READY && worker->in_flight < WORKER_JOBS);
    char id[DECIMAL_SIZE];
    (void)decimal_write(job->id, id);
    worker_request(worker, id, job_method(job), job->params, job->params_len);
    job_charge_copy(job);
    job->state = JOB_ASSIGNED;
    job->worker = worker;
    worker->jobs[worker->in_flight++] = job;
    if (worker->in_flight == 1)
        worker_begin_first(worker, uv_hrtime());
}

void worker_limit(struct worker *worker, struct job *job) {
    unsigned limit = worker->options->job_timeout_ms;
    if (job->timeout_ms > 0)
        return;
    job->timeout_ms = limit > 0 ? limit : ABANDONED_TIMEOUT_MS;
    if (worker->jobs[0] == job && worker->in_flight > 0)
        worker_set_deadline(worker, job->timeout_ms);
}

void worker_close(struct worker *worker) {
    if (uv_is_closing((uv_handle_t *)&worker->timer))
        return;
    uv_close((uv_handle_t *)&worker->timer, worker_on_timer_closed);
    channel_close(&worker->channel);
}
