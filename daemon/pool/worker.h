/* One worker of a host, seen from the server: its socket and its jobs. It has its next jobs before it has finished the
 * one at hand (prefetch), so that it never waits for the server. What its failures mean for its host is not decided
 * here: it reports them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/list.h"
#include "daemon/options.h"
#include "daemon/peers/channel.h"
#include "proto/rpc.h"

struct host;
struct job;
struct worker;

/* Jobs with a worker at once, at most: the one it runs, and those that follow. */
#define WORKER_JOBS 64

/* The same where the worker does not ask a remote cache. */
#define WORKER_JOBS_LOCAL 8

enum worker_state {
    WORKER_COLD,     /* has no interpreter */
    WORKER_STARTING, /* makes one */
    WORKER_READY,
    WORKER_ENDED,
};

/* Events for the owner. */
struct worker_events {
    /* Its interpreter is up. After a trial, `files` is the name of the interpreter's files; else NULL. */
    void (*ready)(struct worker *worker, const char *files);
    /* Its interpreter could not be made; the worker has ended. */
    void (*failed)(struct worker *worker, const char *why);
    /* Its first job is answered, and no longer the worker's. */
    void (*answered)(struct worker *worker, struct job *job, const struct rpc_message *answer);
    /* It has no more jobs; comes after `answered`. */
    void (*idle)(struct worker *worker);
    /* Its first job runs longer than its timeout, or its interpreter has not come up in time (job NULL). */
    void (*overdue)(struct worker *worker, struct job *job);
    /* It breaks the protocol. */
    void (*broken)(struct worker *worker, const char *why);
    /* Its stream has ended: no more answers. Its jobs stay with it. */
    void (*ended)(struct worker *worker);
    /* After worker_close(): its memory may be freed. */
    void (*closed)(struct worker *worker);
};

struct worker {
    struct host *host; /* the owner */
    struct list room;  /* in a list of the pool's roster, where the worker may have room for a job */
    const struct worker_events *events;
    const struct options *options;
    enum worker_state state;
    struct channel channel;
    uv_timer_t timer;              /* rings at timer_ms, and is set again where the deadline is later by then */
    uint64_t timer_ms;             /* 0: not set */
    uint64_t deadline_ms;          /* of the running job, or of the interpreter to come up; 0: none */
    unsigned handles;              /* not yet closed */
    struct job *jobs[WORKER_JOBS]; /* the first one runs */
    unsigned in_flight;
    uint64_t since_ms; /* when the running job was begun */
    uint64_t since_ns; /* the same, by uv_hrtime() */
    uint64_t usual_ns; /* recent time of a job; a slow one counts at once */
    uint64_t mean_ns;  /* mean time of recent jobs */
    bool asks_ahead;   /* it asks a remote cache; the owner sets it */
    uint64_t done;     /* jobs answered */
};

/* Makes a worker at the server's end (`fd`, taken) of its socketpair. Pointers are borrowed. Returns 0 or a negative
 * errno value; worker_close() is due in both cases. */
int worker_init(struct worker *worker, struct host *host, const struct worker_events *events,
                const struct options *options, struct channel_group *channels, int fd);

/* Asks it to make its interpreter. */
void worker_warm(struct worker *worker);

/* How many jobs it should have at once: two, so that it does not wait for the server; up to WORKER_JOBS_LOCAL where
 * they are done so fast (from the cache, say) that the server would be woken for each. One that asks a remote cache has
 * more of them, up to WORKER_JOBS: it asks for all of them at once. */
unsigned worker_depth(const struct worker *worker);

/* Gives it a job. It must be ready and have fewer than WORKER_JOBS. */
void worker_assign(struct worker *worker, struct job *job);

/* No client waits for that job of its any more: it gets a timeout if it has none. */
void worker_limit(struct worker *worker, struct job *job);

/* Closes its socket and its timer. */
void worker_close(struct worker *worker);
