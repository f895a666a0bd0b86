/* One worker of a host, seen from the server: its socket and the jobs it has. It gets its next job before
 * it has finished the one at hand, so that it never waits for the server. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "daemon/peers/channel.h"

struct host;
struct job;

/* Jobs with a worker at once, at most: the one it runs, and those that follow; see worker_depth(). */
#define WORKER_JOBS 8

enum worker_state {
    WORKER_COLD,     /* has no interpreter */
    WORKER_STARTING, /* makes one */
    WORKER_READY,
    WORKER_ENDED,
};

struct worker {
    struct host *host;
    enum worker_state state;
    struct channel channel;
    uv_timer_t timer;              /* the running job's timeout, or the interpreter's to come up */
    struct job *jobs[WORKER_JOBS]; /* the first one runs */
    unsigned in_flight;
    uint64_t since_ms; /* when the running job was begun */
    uint64_t since_ns; /* the same, by uv_hrtime() */
    uint64_t usual_ns; /* what its jobs have taken lately */
    uint64_t done;
};

/* Makes a worker at our end (`fd`, taken) of its socketpair. Returns 0 or a negative libuv error; in both
 * cases its two handles are open. */
int worker_init(struct worker *worker, struct host *host, int fd);

/* Asks it to make its interpreter. */
void worker_warm(struct worker *worker);

/* How many jobs it should have at once: two, so that it does not wait for the server; more where they are done so fast,
 * as what the cache has is, that the server would be woken for each. */
unsigned worker_depth(const struct worker *worker);

/* Gives it a job. It must be ready and have fewer than WORKER_JOBS. */
void worker_assign(struct worker *worker, struct job *job);

/* Nobody waits for a job of its any more: it may not run for ever then. */
void worker_limit(struct worker *worker, struct job *job);

/* Closes its socket: it ends when it has answered what it has. */
void worker_leave(struct worker *worker);
