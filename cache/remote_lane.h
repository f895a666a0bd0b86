/* A thread with a connection of its own to the remote tier, and the requests that wait for it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "cache/remote_seal.h"
#include "cache/remote_state.h"
#include "cache/remote_url.h"

struct remote_request {
    struct remote_request *next;
    char name[REMOTE_NAME_SIZE];
    bool set;
    bool probe;          /* where it is answered, the server is used again */
    struct buffer value; /* to be set; or what was got */
    bool found;          /* there is a value */
    bool done, abandoned;
};

struct remote_lane_setting {
    const struct remote_url *url;
    struct remote_state *state;
    unsigned connect_ms, answer_ms; /* for connecting, and for all answers of what is sent at once */
    size_t bytes_max;               /* that may wait */
};

struct remote_lane;

/* Nothing is started before there is a request. The setting's pointers are kept. */
struct remote_lane *remote_lane_new(const struct remote_lane_setting *setting);

/* Takes the request. False: it cannot be taken, and is freed. */
bool remote_lane_add(struct remote_lane *lane, struct remote_request *request);

/* Waits for a request, which was added, to be done. False: it is not by the deadline (of clock_ms()),
 * and is not the caller's any more. */
bool remote_lane_wait(struct remote_lane *lane, struct remote_request *request, int64_t deadline_ms);

/* Waits until all is done. */
void remote_lane_drain(struct remote_lane *lane, int64_t deadline_ms);

/* The server is of no use: nobody asks it for a while, which is said once. */
void remote_lane_leave_alone(struct remote_lane *lane, const char *why);

struct remote_request *remote_request_new(void);
void remote_request_free(struct remote_request *request);
