/* The pieces of work that a worker has taken: their sources are compiled by the worker's own server, a few at a time,
 * and each piece is answered once, when all of its sources are done.
 *
 * Sources that wait stay here, so that cancelled work is dropped; a source that the server has is waited for, so that
 * no output is written after the answer. A server that dies or hangs is started anew, and its sources are compiled
 * again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "client/worker/own_server.h"
#include "client/worker/work_message.h"

struct work {
    struct own_server server;
    char *cwd;             /* absolute */
    char *const *defaults; /* arguments that stand before those of each request; borrowed */
    size_t default_count;
    struct list jobs; /* in the order in which they came */
    size_t job_count;
    struct list asked; /* sources that the server has */
    size_t asked_count, asked_max;
    int64_t last_id; /* of the requests to the server */
    /* Takes a response; its output is valid during the call. */
    void (*answer)(const struct work_response *response, void *context);
    void *context;
};

/* Begins without work. The fields of `server` other than is_open, `defaults`, `answer` and `context` are set by the
 * caller afterwards. Returns 0 or a negative errno value: the working directory is unknown. */
int work_init(struct work *work);

/* Drops all work, without answers, and ends the server. */
void work_deinit(struct work *work);

/* Takes a request, which may be answered during the call. A cancel request is no work: it drops what waits of the work
 * that it names, which is then answered as soon as the server has nothing of it. */
void work_take(struct work *work, const struct work_request *request);

/* Gives sources to the server, and starts it where none runs. Work that cannot be done is answered. */
void work_send(struct work *work);

/* The milliseconds until work_check() is to be called, for poll(); -1: not at all. */
int work_quiet_left(const struct work *work);

/* Replaces a server that hangs. */
void work_check(struct work *work);

/* Reads what the server says, and answers the work that is done. */
void work_receive(struct work *work);
