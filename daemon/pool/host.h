/* A host seen from the server: a process, its control socket and its workers (docs/host.md). What it is
 * used for, and what follows from its death, is the pool's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/list.h"
#include "daemon/peers/channel.h"
#include "daemon/pool/worker.h"

struct pool;

enum host_kind {
    HOST_SHARED,   /* runs whatever comes */
    HOST_PRISTINE, /* forks a fresh interpreter for each job */
    HOST_SOLO,     /* likewise, but runs one job and goes: a suspect, or one that needs much memory */
};

struct host {
    struct list link; /* in pool->hosts */
    struct pool *pool;
    enum host_kind kind;
    uv_process_t process;
    struct channel control;
    char *version; /* "3.13.0", or NULL until it is ready */
    char *failure; /* what it said that it cannot do, or NULL */
    bool ready;    /* CPython is up in it */
    bool came_up;  /* and so is an interpreter for a worker */
    bool retiring; /* gets no more jobs; asked to leave once it has none */
    bool left;     /* has been asked to leave */
    bool exited;
    int64_t exit_status;
    int term_signal;
    bool killed;    /* by us */
    bool blameless; /* killed by us, for nothing that its jobs did, or for one that is marked */
    bool shot;      /* it says that another process sent the signal that it dies of */
    long oom_kills; /* the kernel's, when it was started; -1: not known */
    uv_timer_t leave_timer;
    long rss_kb;
    unsigned open_streams; /* channels that have not ended yet */
    unsigned handles;      /* not yet closed */
    unsigned worker_count;
    struct worker workers[];
};

/* Starts a host of the pool with so many workers. Returns it, or NULL with a message in *why (the caller
 * frees) and whether it is for want of something that may be there again later. pool_host_*() tell what becomes of
 * it. */
struct host *host_start(struct pool *pool, enum host_kind kind, unsigned workers, char **why, bool *shortage);

/* No more jobs for it; it leaves when it has none, and is killed where it does not. */
void host_retire(struct host *host);

/* Ends it at once, with what it forked. */
void host_kill(struct host *host);

/* Whether it died of what another process did, and not of a job: no compile sends signals. The kernel does, where
 * memory runs out. */
bool host_was_shot(const struct host *host);

/* Jobs with its workers. */
unsigned host_in_flight(const struct host *host);

/* Called by worker.c: a worker has no more jobs; a worker's stream has ended; a handle has closed. */
void host_worker_idle(struct host *host);
void host_stream_ended(struct host *host);
void host_handle_closed(struct host *host);
