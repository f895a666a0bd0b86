/* Requests are sent in batches (pipelining): all of a batch first, then all answers are read. */
#include "cache/remote_lane.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cache/remote_link.h"

#define STACK_SIZE ((size_t)512 << 10)

/* The most requests and bytes of a batch. */
#define BATCH_MAX 64
#define BATCH_BYTES_MAX ((size_t)1 << 20)

/* The most bytes of a reason that are logged. */
#define REASON_MAX 200

struct remote_lane {
    struct remote_lane_setting setting;
    struct remote_link *link; /* only the thread uses it; NULL: not connected */
    bool link_used;           /* the connection has answered before */
    pthread_mutex_t mutex;    /* guards all members below */
    pthread_cond_t changed;   /* a request came, or is done */
    struct remote_request *first, **last;
    size_t waiting_bytes;
    unsigned open; /* requests not yet done */
    bool started;
};

struct lane_batch {
    struct remote_request *items[BATCH_MAX];
    size_t count, answered;
};

struct remote_request *remote_request_new(void) {
    return xcalloc(1, sizeof(struct remote_request));
}

void remote_request_free(struct remote_request *request) {
    buffer_deinit(&request->value);
    free(request);
}

struct remote_lane *remote_lane_new(const struct remote_lane_setting *setting) {
    struct remote_lane *lane = xcalloc(1, sizeof *lane);
    pthread_condattr_t attributes;
    lane->setting = *setting;
    lane->last = &lane->first;
    pthread_mutex_init(&lane->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&lane->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return lane;
}

static size_t request_bytes(const struct remote_request *request) {
    return sizeof *request + (request->set ? request->value.len : 0);
}

/* Takes the next batch; waits for a request. */
static void lane_take_batch(struct remote_lane *lane, struct lane_batch *batch) {
    size_t bytes = 0;
    *batch = (struct lane_batch){0};
    pthread_mutex_lock(&lane->mutex);
    while (lane->first == NULL)
        pthread_cond_wait(&lane->changed, &lane->mutex);
    while (lane->first != NULL && batch->count < BATCH_MAX && bytes < BATCH_BYTES_MAX) {
        struct remote_request *request = lane->first;
        lane->first = request->next;
        if (lane->first == NULL)
            lane->last = &lane->first;
        bytes += request_bytes(request);
        batch->items[batch->count++] = request;
    }
    lane->waiting_bytes -= bytes;
    pthread_mutex_unlock(&lane->mutex);
}

/* Marks the request as done, and frees it where no caller waits for it. */
static void lane_finish(struct remote_lane *lane, struct remote_request *request) {
    pthread_mutex_lock(&lane->mutex);
    bool forgotten = request->set || request->abandoned;
    request->done = true;
    lane->open--;
    pthread_cond_broadcast(&lane->changed);
    pthread_mutex_unlock(&lane->mutex);
    if (forgotten)
        remote_request_free(request);
}

/* A text that may be the server's, as a log may show it: cut, and bytes that are not printable ASCII as \xNN. The
 * caller frees. */
static char *lane_quote(const char *text) {
    struct buffer quoted = {0};
    const char *at = text;
    for (; *at != '\0' && at - text < REASON_MAX; at++) {
        if (*at >= ' ' && *at <= '~' && *at != '\\')
            buffer_append_char(&quoted, *at);
        else
            buffer_printf(&quoted, "\\x%02x", (unsigned char)*at);
    }
    buffer_append_string(&quoted, *at != '\0' ? "..." : "");
    buffer_string(&quoted);
    return quoted.data;
}

void remote_lane_leave_alone(struct remote_lane *lane, const char *why) {
    unsigned seconds = remote_state_fail(lane->setting.state);
    if (seconds == 0)
        return;
    char *shown = remote_url_show(lane->setting.url), *reason = lane_quote(why);
    fprintf(stderr, "pycompile-host: the remote cache %s is left alone for %u s: %s\n", shown, seconds, reason);
    free(shown);
    free(reason);
}

/* Moves an answer into its request. Returns whether the server is of use. */
static bool lane_accept(struct remote_lane *lane, struct remote_request *request, const struct remote_reply *reply) {
    struct remote_counts *counts = &lane->setting.state->counts;
    if (request->set) {
        if (reply->answer == REMOTE_DONE)
            counts->stored++;
        else
            counts->dropped++;
        return reply->answer == REMOTE_DONE || reply->answer == REMOTE_REFUSED; /* it may be full, or read-only */
    }
    request->found = reply->answer == REMOTE_VALUE;
    if (request->found)
        buffer_append(&request->value, reply->data, reply->len);
    if (reply->answer == REMOTE_REFUSED)
        remote_lane_leave_alone(lane, reply->data);
    bool answered = request->found || reply->answer == REMOTE_NONE;
    if (answered && request->probe)
        remote_state_back(lane->setting.state);
    return answered || reply->answer == REMOTE_REFUSED;
}

static bool lane_receive(struct remote_lane *lane, struct lane_batch *batch, int64_t deadline_ms) {
    while (batch->answered < batch->count) {
        struct remote_request *request = batch->items[batch->answered];
        struct remote_reply reply;
        remote_link_receive(lane->link, request->set, deadline_ms, &reply);
        bool fine = reply.answer != REMOTE_BROKEN && lane_accept(lane, request, &reply);
        remote_reply_free(&reply);
        if (!fine)
            return false;
        batch->answered++;
        lane_finish(lane, request);
    }
    return true;
}

/* Sends the requests that were not yet answered, and reads their answers. Whether all went well. */
static bool lane_exchange(struct remote_lane *lane, struct lane_batch *batch) {
    int64_t deadline_ms = clock_ms() + lane->setting.answer_ms;
    for (size_t i = batch->answered; i < batch->count; i++) {
        struct remote_request *request = batch->items[i];
        if (request->set)
            remote_link_set(lane->link, request->name, request->value.data, request->value.len);
        else
            remote_link_get(lane->link, request->name);
    }
    return remote_link_send(lane->link, deadline_ms) == 0 && lane_receive(lane, batch, deadline_ms);
}

/* Whether there is a connection; makes one where there is none. */
static bool lane_connect(struct remote_lane *lane) {
    char *why;
    if (lane->link != NULL)
        return true;
    lane->link = remote_link_open(lane->setting.url, clock_ms() + lane->setting.connect_ms, &why);
    lane->link_used = false;
    if (lane->link != NULL)
        return true;
    remote_lane_leave_alone(lane, why);
    free(why);
    return false;
}

/* The server may have closed a connection that was idle. That is no failure: a new connection is tried once. */
static void lane_run_batch(struct remote_lane *lane, struct lane_batch *batch) {
    bool again = true;
    while (again && batch->answered < batch->count && lane_connect(lane)) {
        if (lane_exchange(lane, batch)) {
            lane->link_used = true;
            break;
        }
        again = lane->link_used;
        if (!again)
            remote_lane_leave_alone(lane, remote_link_why(lane->link));
        lane->link = remote_link_close(lane->link);
    }
}

static void *lane_main(void *argument) {
    struct remote_lane *lane = argument;
    struct lane_batch batch;
    for (;;) {
        lane_take_batch(lane, &batch);
        lane_run_batch(lane, &batch);
        while (batch.answered < batch.count) {
            struct remote_request *request = batch.items[batch.answered++];
            lane->setting.state->counts.dropped += request->set;
            lane_finish(lane, request);
        }
    }
    return NULL;
}

/* The thread blocks all signals, so that SIGPIPE of a connection that the server has closed does not end the process.
 */
static bool lane_start(struct remote_lane *lane) {
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool fine = pthread_create(&thread, &attributes, lane_main, lane) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return fine;
}

int remote_lane_add(struct remote_lane *lane, struct remote_request *request) {
    pthread_mutex_lock(&lane->mutex);
    size_t bytes = request_bytes(request);
    lane->started = lane->started || lane_start(lane);
    int status = !lane->started ? -EAGAIN : lane->waiting_bytes + bytes > lane->setting.bytes_max ? -ENOBUFS : 0;
    if (status == 0) {
        *lane->last = request;
        lane->last = &request->next;
        lane->waiting_bytes += bytes;
        lane->open++;
        pthread_cond_broadcast(&lane->changed);
    }
    pthread_mutex_unlock(&lane->mutex);
    if (status < 0)
        remote_request_free(request);
    return status;
}

/* Whether something changed before the deadline; waits for it. */
static bool lane_wait_for_change(struct remote_lane *lane, int64_t deadline_ms) {
    struct timespec until = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};
    return pthread_cond_timedwait(&lane->changed, &lane->mutex, &until) == 0;
}

bool remote_lane_wait(struct remote_lane *lane, struct remote_request *request, int64_t deadline_ms) {
    pthread_mutex_lock(&lane->mutex);
    while (!request->done && lane_wait_for_change(lane, deadline_ms))
        ;
    bool done = request->done;
    request->abandoned = !done;
    pthread_mutex_unlock(&lane->mutex);
    return done;
}

void remote_lane_drain(struct remote_lane *lane, int64_t deadline_ms) {
    pthread_mutex_lock(&lane->mutex);
    while (lane->open > 0 && lane_wait_for_change(lane, deadline_ms))
        ;
    pthread_mutex_unlock(&lane->mutex);
}
