/* The requests that wait are asked in batches, one exchange of the transport for each. */
#include "cache/remote/lane.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cache/remote/transport.h"

#define STACK_SIZE ((size_t)512 << 10)

/* The most requests and bytes of a batch. */
#define BATCH_MAX 128
#define BATCH_BYTES_MAX ((size_t)1 << 20)

/* The most bytes of a reason that are logged. */
#define REASON_MAX 200

struct remote_lane {
    struct remote_lane_setting setting;
    struct transport *link; /* only the thread uses it; NULL: not connected */
    bool link_used;         /* the connection has answered before */
    pthread_mutex_t mutex;  /* guards all members below */
    pthread_cond_t changed; /* a request came, or is done */
    struct remote_request *first, **last;
    size_t waiting_bytes, value_bytes;
    unsigned open;   /* requests not yet done */
    int64_t warm_us; /* when the first exchange was over; 0: not yet */
    bool started;
};

struct lane_batch {
    struct remote_lane *lane;
    struct remote_request *items[BATCH_MAX]; /* NULL: done */
    size_t count;
    struct remote_request *asked[BATCH_MAX];   /* in the exchange at hand */
    struct remote_request **places[BATCH_MAX]; /* of these in `items` */
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
    batch->lane = lane;
    batch->count = 0;
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
    if (!request->set)
        lane->value_bytes += forgotten ? 0 : request->value.len;
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
    char *reason = lane_quote(why);
    fprintf(stderr, "pycompile-host: the remote cache %s is left alone for %u s: %s\n", lane->setting.address->shown,
            seconds, reason);
    free(reason);
}

static void lane_accept_put(struct remote_lane *lane, const struct transport_answer *answer) {
    struct remote_counts *counts = &lane->setting.state->counts;
    if (answer->outcome == TRANSPORT_DONE)
        counts->stored++;
    else
        counts->dropped++; /* the server may be full, or read-only */
}

/* Whether a value may be kept for the caller; values of answers that nobody has taken yet are bounded. */
static bool lane_has_room(struct remote_lane *lane, size_t len) {
    pthread_mutex_lock(&lane->mutex);
    bool fits = lane->value_bytes == 0 || lane->value_bytes + len <= lane->setting.values_max;
    pthread_mutex_unlock(&lane->mutex);
    return fits;
}

static void lane_accept_get(struct remote_lane *lane, struct remote_request *request,
                            const struct transport_answer *answer) {
    request->found = answer->outcome == TRANSPORT_VALUE && lane_has_room(lane, answer->len);
    if (request->found)
        buffer_append(&request->value, answer->data, answer->len);
    if (answer->outcome == TRANSPORT_REFUSED)
        remote_lane_leave_alone(lane, answer->data);
    else if (request->probe)
        remote_state_back(lane->setting.state);
}

/* Moves an answer into its request, which is done. */
static void lane_on_answer(void *context, size_t item, const struct transport_answer *answer) {
    struct lane_batch *batch = context;
    struct remote_request *request = batch->asked[item];
    if (request->set)
        lane_accept_put(batch->lane, answer);
    else
        lane_accept_get(batch->lane, request, answer);
    *batch->places[item] = NULL;
    request->answered = true; /* the caller sees it once it is done */
    lane_finish(batch->lane, request);
}

/* Asks what is not yet answered. Whether all went well. */
static bool lane_exchange(struct remote_lane *lane, struct lane_batch *batch) {
    struct transport_item items[BATCH_MAX];
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct remote_request *request = batch->items[i];
        if (request == NULL)
            continue;
        items[count] = (struct transport_item){
            .name = request->name, .put = request->set, .value = request->value.data, .len = request->value.len};
        batch->asked[count] = request;
        batch->places[count++] = &batch->items[i];
    }
    int64_t deadline_ms = clock_ms() + lane->setting.answer_ms;
    return lane->link->kind->exchange(lane->link, items, count, deadline_ms, lane_on_answer, batch) == 0;
}

/* Whether there is a connection; makes one where there is none. */
static bool lane_connect(struct remote_lane *lane) {
    const struct remote_address *address = lane->setting.address;
    char *why;
    if (lane->link != NULL)
        return true;
    lane->link = address->kind->open(address->place, clock_ms() + lane->setting.connect_ms, &why);
    lane->link_used = false;
    if (lane->link != NULL)
        return true;
    remote_lane_leave_alone(lane, why);
    free(why);
    return false;
}

/* Notes that an exchange went well. */
static void lane_note_use(struct remote_lane *lane) {
    lane->link_used = true;
    pthread_mutex_lock(&lane->mutex);
    if (lane->warm_us == 0)
        lane->warm_us = clock_us();
    pthread_mutex_unlock(&lane->mutex);
}

/* The server may have closed a connection that was idle. That is no failure: a new connection is tried once. */
static void lane_run_batch(struct remote_lane *lane, struct lane_batch *batch) {
    bool again = true;
    while (again && lane_connect(lane)) {
        if (lane_exchange(lane, batch)) {
            lane_note_use(lane);
            break;
        }
        again = lane->link_used;
        if (!again)
            remote_lane_leave_alone(lane, lane->link->kind->why(lane->link));
        lane->link->kind->close(lane->link);
        lane->link = NULL;
    }
}

/* Finishes what was not answered. */
static void lane_give_up(struct remote_lane *lane, struct lane_batch *batch) {
    for (size_t i = 0; i < batch->count; i++) {
        struct remote_request *request = batch->items[i];
        if (request == NULL)
            continue;
        lane->setting.state->counts.dropped += request->set;
        lane_finish(lane, request);
    }
}

static void *lane_main(void *argument) {
    struct remote_lane *lane = argument;
    struct lane_batch batch;
    for (;;) {
        lane_take_batch(lane, &batch);
        lane_run_batch(lane, &batch);
        lane_give_up(lane, &batch);
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

bool remote_lane_is_done(struct remote_lane *lane, const struct remote_request *request) {
    pthread_mutex_lock(&lane->mutex);
    bool done = request->done;
    pthread_mutex_unlock(&lane->mutex);
    return done;
}

bool remote_lane_is_answered(struct remote_lane *lane, const struct remote_request *request) {
    return remote_lane_is_done(lane, request) && request->answered;
}

int64_t remote_lane_warm_us(struct remote_lane *lane) {
    pthread_mutex_lock(&lane->mutex);
    int64_t warm_us = lane->warm_us;
    pthread_mutex_unlock(&lane->mutex);
    return warm_us;
}

void remote_lane_free(struct remote_lane *lane, struct remote_request *request) {
    pthread_mutex_lock(&lane->mutex);
    lane->value_bytes -= request->value.len;
    pthread_mutex_unlock(&lane->mutex);
    remote_request_free(request);
}

void remote_lane_drain(struct remote_lane *lane, int64_t deadline_ms) {
    pthread_mutex_lock(&lane->mutex);
    while (lane->open > 0 && lane_wait_for_change(lane, deadline_ms))
        ;
    pthread_mutex_unlock(&lane->mutex);
}
