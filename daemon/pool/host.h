/* A host seen from the server: a process, its control socket and its workers (docs/host.md). What hosts are used for,
 * and what follows from the death of one, is the pool's business. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/list.h"
#include "daemon/census.h"
#include "daemon/options.h"
#include "daemon/peers/channel.h"
#include "daemon/pool/host_process.h"
#include "daemon/pool/job.h"
#include "daemon/pool/worker.h"

struct host;

/* Events for the pool. */
struct host_events {
    /* CPython is up in the process; host->version is known. */
    void (*ready)(struct host *host);
    /* The interpreter of a worker is up. */
    void (*worker_ready)(struct worker *worker);
    /* A job of a worker is answered, and no longer the worker's. */
    void (*answered)(struct worker *worker, struct job *job, const struct rpc_message *answer);
    /* It has reported the size of its memory (host->rss_kb). */
    void (*grew)(struct host *host);
    /* It is dead, and says no more. Its workers still have their jobs: the pool takes them, and removes the host from
     * its list. Its memory goes later. */
    void (*gone)(struct host *host);
};

/* What the hosts of one Python have in common. Pointers are borrowed. */
struct host_group {
    const struct host_events *events;
    const struct host_driver *driver;
    uv_loop_t *loop;
    struct channel_group *channels;
    const struct options *options;
    struct census *census;
    int remote_fd;           /* of the memory that hosts share about the remote cache; -1: no remote cache */
    const char *python;      /* "3.13" */
    const char *program;     /* path */
    const char *interpreter; /* that the program is to run; NULL: it has one of its own */
    bool trial;              /* the next hosts compare with the interpreter's own py_compile first */
    const char *files;       /* the next hosts refuse jobs where the interpreter is not of these files; or NULL */
    struct list hosts;
    uint64_t changes; /* of the states of workers, and of hosts that begin to retire or go */
    uint64_t crashes; /* of hosts */
};

struct host {
    struct list link; /* in group->hosts */
    struct host_group *group;
    enum host_kind kind;
    struct host_process process;
    struct channel control;
    char *version;     /* "3.13.0", or NULL until it is ready */
    char *interpreter; /* path of the executable that it runs, as it reports; or NULL */
    char *files;       /* of the interpreter, as a name, after a trial that went well; or NULL */
    char *failure;     /* the reason, in its words, why it cannot work; or NULL */
    bool came_up;      /* an interpreter for a worker is or was up in it */
    bool retiring;     /* gets no more jobs; asked to leave once it has none */
    bool left;         /* has been asked to leave */
    bool exited;
    int64_t exit_status;
    int term_signal;
    bool killed;    /* by the daemon */
    bool blameless; /* killed by the daemon, but not because of the jobs that it has, unless one is marked timed_out */
    bool shot;      /* it reported that another process sent the signal that it dies of */
    long oom_kills; /* the kernel's count when it was started; -1: not known */
    uv_timer_t leave_timer;
    long rss_kb;           /* as it reported last */
    unsigned open_streams; /* channels that have not ended yet */
    unsigned parts;        /* workers, channel, timer, process: not yet closed */
    unsigned worker_count;
    struct worker workers[];
};

/* Starts a host of the group. Returns it, or NULL with a message in *why, which the caller frees; then *shortage tells
 * whether a resource ran out that may be available again later. */
struct host *host_start(struct host_group *group, enum host_kind kind, unsigned workers, bool *shortage, char **why);

/* Asks a cold worker to make its interpreter. */
void host_warm(struct worker *worker);

/* No more jobs for it; it leaves when it has none, and is killed if it does not. */
void host_retire(struct host *host);

/* Kills it at once, with the processes that it has forked. */
void host_kill(struct host *host);

/* Whether it died of an action of another process, and not of a job: no compile sends signals. The kernel does, when
 * memory runs out. */
bool host_was_shot(const struct host *host);

/* Its resident memory now, in KiB; where the kernel does not tell, as the host reported last. */
long host_memory_kb(const struct host *host);

/* Jobs with its workers. */
unsigned host_in_flight(const struct host *host);

/* The host of that kind that is not retiring and was started first, or NULL. */
struct host *host_group_find(const struct host_group *group, enum host_kind kind);
