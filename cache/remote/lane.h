/* A lane to the remote tier: a thread with a connection of its own, and the queue of requests that wait for the thread.
 * It knows no keys and no seals (cache/remote/remote.h), and no wire format (cache/remote/transport.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "cache/remote/address.h"
#include "cache/remote/seal.h"
#include "cache/remote/state.h"

struct remote_request {
    struct remote_request *next;
    char name[REMOTE_NAME_SIZE];
    bool set;            /* SET, else GET */
    bool probe;          /* an answer ends the time in which the server is left alone */
    struct buffer value; /* the value to set, or the value that was got */
    bool found;          /* a GET has found a value */
    bool answered;       /* by the server */
    bool done;           /* answered, or given up */
    bool abandoned;      /* no caller waits for it: the lane frees it */
};

struct remote_lane_setting {
    const struct remote_address *address;
    struct remote_state *state;
    unsigned connect_ms, answer_ms; /* limits for connecting, and for all answers to one batch */
    size_t bytes_max;               /* of requests that wait */
    size_t values_max;              /* of values that were got and not yet freed; further ones count as not found */
};

struct remote_lane;

/* Makes a lane, which lives until the process ends. Borrows what the setting points at. The thread starts with the
 * first request. */
struct remote_lane *remote_lane_new(const struct remote_lane_setting *setting);

/* Takes the request. Returns 0, or -ENOBUFS where too many bytes wait, or -EAGAIN where no thread can be made; then the
 * request is freed. */
int remote_lane_add(struct remote_lane *lane, struct remote_request *request);

/* Whether the request is done by the deadline (of clock_ms()); waits for it. If so, the caller owns the request again;
 * else the lane keeps it and frees it. */
bool remote_lane_wait(struct remote_lane *lane, struct remote_request *request, int64_t deadline_ms);

/* Whether the request, which the caller has added and not yet waited for, is done. */
bool remote_lane_is_done(struct remote_lane *lane, const struct remote_request *request);

/* Whether it was done by an answer of the server. */
bool remote_lane_is_answered(struct remote_lane *lane, const struct remote_request *request);

/* When (of clock_us()) the first exchange of all was over; 0: it is not over, or none has begun. */
int64_t remote_lane_warm_us(struct remote_lane *lane);

/* Frees a request that is done and the caller's. */
void remote_lane_free(struct remote_lane *lane, struct remote_request *request);

/* Waits until all requests are done, or for the deadline. */
void remote_lane_drain(struct remote_lane *lane, int64_t deadline_ms);

/* Leaves the server alone for a while: no host of the daemon asks it. Says so on stderr, with the reason `why` cut and
 * escaped, since it may come from the server. */
void remote_lane_leave_alone(struct remote_lane *lane, const char *why);

struct remote_request *remote_request_new(void);
void remote_request_free(struct remote_request *request);
