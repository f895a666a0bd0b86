/* See remote_lane.h. */
#include "cache/remote_lane.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cache/remote_link.h"

#define STACK_SIZE ((size_t)512 << 10)

/* What is sent at once, at most, before its answers are read. */
#define BATCH_MAX 64
#define BATCH_BYTES_MAX ((size_t)1 << 20)

struct remote_lane {
    struct remote_lane_setting setting;
    struct remote_link *link; /* the thread's */
    bool link_used;           /* has answered before */
    pthread_mutex_t mutex;    /* for what follows */
    pthread_cond_t changed;   /* a request came, or is done */
    struct remote_request *first, **last;
    size_t waiting_bytes;
    unsigned open; /* requests not yet done */
    bool started;
};

struct batch {
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

static size_t bytes_of(const struct remote_request *request) {
    return sizeof *request + (request->set ? request->value.len : 0);
}

/* Takes what is to be sent next; waits for it. */
static void take_batch(struct remote_lane *lane, struct batch *batch) {
    size_t bytes = 0;
    *batch = (struct batch){0};
    pthread_mutex_lock(&lane->mutex);
    while (lane->first == NULL)
        pthread_cond_wait(&lane->changed, &lane->mutex);
    while (lane->first != NULL && batch->count < BATCH_MAX && bytes < BATCH_BYTES_MAX) {
        struct remote_request *request = lane->first;
        lane->first = request->next;
        if (lane->first == NULL)
            lane->last = &lane->first;
        bytes += bytes_of(request);
        batch->items[batch->count++] = request;
    }
    lane->waiting_bytes -= bytes;
    pthread_mutex_unlock(&lane->mutex);
}

/* The request is done: who waits for it takes it; else it goes. */
static void finish(struct remote_lane *lane, struct remote_request *request) {
    pthread_mutex_lock(&lane->mutex);
    bool forgotten = request->set || request->abandoned;
    request->done = true;
    lane->open--;
    pthread_cond_broadcast(&lane->changed);
    pthread_mutex_unlock(&lane->mutex);
    if (forgotten)
        remote_request_free(request);
}

void remote_lane_leave_alone(struct remote_lane *lane, const char *why) {
    unsigned seconds = remote_state_fail(lane->setting.state);
    if (seconds == 0)
        return;
    char *shown = remote_url_show(lane->setting.url);
    fprintf(stderr, "pycompile-host: the remote cache %s is left alone for %u s: %s\n", shown, seconds, why);
    free(shown);
}

/* The answer to a request. False: the server is of no use. */
static bool accept(struct remote_lane *lane, struct remote_request *request, const struct remote_reply *reply) {
    struct remote_counts *counts = &lane->setting.state->counts;
    if (request->set) {
        *(reply->answer == REMOTE_DONE ? &counts->stored : &counts->dropped) += 1;
        return reply->answer == REMOTE_DONE ||
               reply->answer == REMOTE_REFUSED; /* it may be full, or for reading only */
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

static bool receive_all(struct remote_lane *lane, struct batch *batch, int64_t deadline_ms) {
    while (batch->answered < batch->count) {
        struct remote_request *request = batch->items[batch->answered];
        struct remote_reply reply;
        remote_link_receive(lane->link, deadline_ms, &reply);
        bool fine = reply.answer != REMOTE_BROKEN && accept(lane, request, &reply);
        remote_reply_free(&reply);
        if (!fine)
            return false;
        batch->answered++;
        finish(lane, request);
    }
    return true;
}

/* Sends what was not yet answered, and reads the answers. */
static bool exchange(struct remote_lane *lane, struct batch *batch) {
    int64_t deadline_ms = clock_ms() + lane->setting.answer_ms;
    for (size_t i = batch->answered; i < batch->count; i++) {
        struct remote_request *request = batch->items[i];
        if (request->set)
            remote_link_set(lane->link, request->name, request->value.data, request->value.len);
        else
            remote_link_get(lane->link, request->name);
    }
    return remote_link_send(lane->link, deadline_ms) && receive_all(lane, batch, deadline_ms);
}

/* Connects where there is no connection. */
static bool connect_link(struct remote_lane *lane) {
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

/* A connection that has been idle may have been closed by the server: that is found out here, and no failure. */
static void run_batch(struct remote_lane *lane, struct batch *batch) {
    bool again = true;
    while (again && batch->answered < batch->count && connect_link(lane)) {
        if (exchange(lane, batch)) {
            lane->link_used = true;
            break;
        }
        again = lane->link_used;
        if (!again)
            remote_lane_leave_alone(lane, remote_link_why(lane->link));
        lane->link = remote_link_close(lane->link);
    }
}

static void *run(void *argument) {
    struct remote_lane *lane = argument;
    struct batch batch;
    for (;;) {
        take_batch(lane, &batch);
        run_batch(lane, &batch);
        while (batch.answered < batch.count) {
            struct remote_request *request = batch.items[batch.answered++];
            lane->setting.state->counts.dropped += request->set;
            finish(lane, request);
        }
    }
    return NULL;
}

/* No signal comes to the thread: a connection that the server has closed must not end the process. */
static bool start(struct remote_lane *lane) {
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool fine = pthread_create(&thread, &attributes, run, lane) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return fine;
}

bool remote_lane_add(struct remote_lane *lane, struct remote_request *request) {
    pthread_mutex_lock(&lane->mutex);
    size_t bytes = bytes_of(request);
    lane->started = lane->started || start(lane);
    bool fine = lane->started && lane->waiting_bytes + bytes <= lane->setting.bytes_max;
    if (fine) {
        *lane->last = request;
        lane->last = &request->next;
        lane->waiting_bytes += bytes;
        lane->open++;
        pthread_cond_broadcast(&lane->changed);
    }
    pthread_mutex_unlock(&lane->mutex);
    if (!fine)
        remote_request_free(request);
    return fine;
}

/* Waits for a change. False: the deadline has passed. */
static bool wait_for_change(struct remote_lane *lane, int64_t deadline_ms) {
    struct timespec until = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};
    return pthread_cond_timedwait(&lane->changed, &lane->mutex, &until) == 0;
}

bool remote_lane_wait(struct remote_lane *lane, struct remote_request *request, int64_t deadline_ms) {
    pthread_mutex_lock(&lane->mutex);
    while (!request->done && wait_for_change(lane, deadline_ms))
        ;
    bool done = request->done;
    request->abandoned = !done;
    pthread_mutex_unlock(&lane->mutex);
    return done;
}

void remote_lane_drain(struct remote_lane *lane, int64_t deadline_ms) {
    pthread_mutex_lock(&lane->mutex);
    while (lane->open > 0 && wait_for_change(lane, deadline_ms))
        ;
    pthread_mutex_unlock(&lane->mutex);
}
