/* A job: one piece of work for a host, from its request to its answer. Most jobs are compiles that a client asked for.
 * pool.h decides which host runs a job, queues.h in which order jobs wait. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "daemon/census.h"
#include "daemon/peers/connection.h"
#include "proto/compile_request.h"
#include "proto/json.h"

struct interpreter_name;
struct pool;
struct return_address;
struct worker;

enum job_kind {
    JOB_COMPILE,
    JOB_CHECK,
    JOB_SEARCH, /* tries a regular expression; not counted as a compile */
    JOB_CLEAN,  /* the daemon's own: removes files that a run whose host died may have left; its id is that run's */
};

enum host_kind {
    HOST_SHARED,   /* runs jobs one after the other in the same interpreters */
    HOST_PRISTINE, /* forks a fresh interpreter for each job */
    HOST_SOLO, /* like HOST_PRISTINE, but runs one job and leaves: for suspects and for jobs that need much memory */
};

enum job_state {
    JOB_QUEUED,   /* in its pool's queue of jobs for hosts of the kind `wants` */
    JOB_ALONE,    /* in its pool's list of jobs for solo hosts */
    JOB_CLEANUP,  /* in its pool's list of cleanups */
    JOB_UNPLACED, /* in the list of those that wait until their interpreter is found (interpreters.h); has no pool */
    JOB_ASSIGNED, /* with a worker */
};

struct job {
    struct list link; /* in the list that `state` names */
    enum job_state state;
    enum job_kind kind;
    enum host_kind wants;
    enum priority priority;
    struct pool *pool;                /* NULL while it is JOB_UNPLACED */
    struct interpreter_name *awaited; /* if it is JOB_UNPLACED */
    struct census *census;
    struct worker *worker;          /* if assigned */
    struct connection *client;      /* NULL: no client waits for the answer (any more) */
    struct attachment attachment;   /* to the client */
    struct return_address *address; /* of the answer; NULL: the answer is discarded */
    size_t held;                    /* bytes that the client is charged for */
    uint64_t id;                    /* a new one for each run: files that the run creates have it in their names */
    char *params;                   /* the request's parameters as they came */
    size_t params_len;
    char *buffer;                         /* absolute name of the file whose unsaved text is checked, or NULL; owned */
    enum outcome outcome;                 /* the end that is to be counted */
    uint64_t born_ns, begun_ns, ended_ns; /* of uv_hrtime(); 0: not yet */
    unsigned timeout_ms;                  /* 0: none */
    unsigned attempts;                    /* hosts that died while they ran it, possibly because of it */
    unsigned shots;                       /* hosts that another process killed while they ran it */
    unsigned renewals;                    /* hosts that refused it since the Python on disk is no longer theirs */
    bool copy_charged;
    bool timed_out;  /* its host was killed for its timeout */
    bool asks_cache; /* a host that compiles it has asked the cache in vain */
};

/* Makes a job of a pool (NULL: it has none yet) without a client. The parameters' text is copied. */
struct job *job_new(struct pool *pool, struct census *census, enum job_kind kind, struct json_span params);

/* Gives the job a client, which is charged for it, and takes the address of its answer. */
void job_attach(struct job *job, struct connection *client, const struct attachment_events *events,
                struct return_address *address);

/* The job checks the unsaved text of that file (absolute name, taken). */
void job_set_buffer(struct job *job, char *file);

/* The job is given to a worker: the client, if it has one, is charged for the copy of the parameters that is sent. */
void job_charge_copy(struct job *job);

/* The job whose attachment that is. */
struct job *job_of_attachment(struct attachment *attachment);

/* Makes a job that removes the files that the job's latest run, whose host has died, may have left; and gives the job
 * another id for its next run. */
struct job *job_new_cleanup(struct job *job);

/* The method that a host is asked for. */
const char *job_method(const struct job *job);

/* Answer, if a client waits, and free the job; it must be in no list of its pool's. `data` may be NULL and is deleted.
 */
void job_finish_result(struct job *job, struct json_span result);
void job_finish_raw_error(struct job *job, long code, struct json_span error);
void job_finish_error(struct job *job, int code, const char *message, cJSON *data);

/* Answers Unavailable (-32005) and frees the job. */
void job_finish_unavailable(struct job *job, const char *reason, bool retryable);

/* Detaches the job from its client. The answer is dropped. */
void job_abandon(struct job *job);

/* Frees without an answer. */
void job_free(struct job *job);
