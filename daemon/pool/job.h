/* A job: one compile that a client asked for, from its request to its answer. Who runs it when is
 * pool.h's; in which order is job_queue.h's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "proto/compile_request.h"
#include "proto/json.h"

struct connection;
struct pool;
struct reply;
struct worker;

enum job_state {
    JOB_QUEUED,   /* in its pool's queue, or where needs_pristine in the one for the pristine host */
    JOB_SOLO,     /* in its pool's list of jobs to be run alone */
    JOB_CLEANUP,  /* in its pool's list of cleanups */
    JOB_ASSIGNED, /* with a worker */
};

struct job {
    struct list link;        /* in the list that `state` names */
    struct list client_link; /* in its connection's list of open jobs */
    enum job_state state;
    struct pool *pool;
    struct worker *worker;     /* where assigned */
    struct connection *client; /* NULL: nobody waits for the answer any more */
    struct reply *reply;       /* where the answer goes; NULL likewise */
    uint64_t id;               /* a new one for every run: files that the run makes carry it */
    enum priority priority;
    const char *method; /* static: "compile", "check", "search" or "clean" */
    char *params;       /* the request's parameters as they came */
    char *buffer;       /* the file whose unsaved text is checked, or NULL; owned */
    size_t params_len;
    unsigned timeout_ms; /* 0: none */
    unsigned attempts;   /* hosts that died under it, and may have of it */
    unsigned shots;      /* hosts that others killed under it */
    bool needs_pristine;
    bool needs_own_host; /* its source is big, or it ran out of memory beside others */
    bool is_search;      /* no compile: counts as none */
    bool timed_out;      /* its host was killed for it */
    bool is_cleanup;     /* asked by the server: remove what the run of that id has left */
};

/* Makes a job; takes the reply. The parameters' text is copied. */
struct job *job_new(struct pool *pool, struct connection *client, struct reply *reply, const char *method,
                    struct json_span params);

/* Makes a job that removes what the job's latest run, whose host has died, may have left; and gives the job another
 * id for its next run. */
struct job *job_new_cleanup(struct job *job);

/* Answers, if anybody waits, and frees the job; it must be in no list of its pool's. */
void job_finish_result(struct job *job, struct json_span result);
void job_finish_raw_error(struct job *job, struct json_span error);
void job_finish_error(struct job *job, int code, const char *message, cJSON *data);

/* Answers -32005 Unavailable and frees the job. */
void job_finish_unavailable(struct job *job, const char *reason, bool retryable);

/* Nobody waits any more: the job loses its client; the reply is freed unanswered. */
void job_abandon(struct job *job);

/* Frees without an answer. */
void job_free(struct job *job);
