/* Interpreters that requests name by a path, or by a version that has no host of its own: which file that stands for,
 * and so which pool.
 *
 * A look-up reads the disk (base/interpreter_file.h), so a thread of the loop does it, for a few names at a time;
 * meanwhile the jobs wait here. The result for a path counts for a second, that for a version for a minute. Then the
 * next job has the name looked up again, so that a replaced interpreter, or a virtual environment that was made anew,
 * is noticed.
 *
 * One client may use CLIENT_INTERPRETERS_MAX interpreters at once that were named at run time. There may be more of
 * them, so that clients cannot take all places from others. */
#pragma once

#include <uv.h>

#include "daemon/pool/pools.h"

/* The most interpreters that one client has open requests for. */
#define CLIENT_INTERPRETERS_MAX 8

struct interpreters {
    struct pools *pools;   /* borrowed */
    struct census *census; /* borrowed */
    uv_loop_t *loop;       /* borrowed */
    struct list names;     /* struct interpreter_name, the one that was used last at the end */
    unsigned name_count;
    unsigned looking; /* names that a thread looks up */
    int drain_fd;     /* an eventfd(2), readable from interpreters_drain() on: no more is searched for; -1: none */
};

void interpreters_init(struct interpreters *interpreters, struct pools *pools, struct census *census, uv_loop_t *loop);

/* Frees everything; no job waits, and the loop has ended. */
void interpreters_deinit(struct interpreters *interpreters);

/* Why a request cannot name its Python so, a sentence that the caller frees; NULL: it can. */
char *interpreters_refuse(const struct interpreters *interpreters, const char *python);

/* Makes a job of a client's for the Python that a request names: "3.13", "3.13.0", the path of an interpreter, or NULL
 * for the default; interpreters_refuse() has been asked. The caller completes the job and submits it with
 * interpreters_submit(). */
struct job *interpreters_new_job(struct interpreters *interpreters, const char *python, struct connection *client,
                                 struct return_address *address, enum job_kind kind, struct json_span params);

/* Takes a job: it will be answered, whatever happens. */
void interpreters_submit(struct interpreters *interpreters, struct job *job);

/* Answers the jobs that wait here with a retryable Unavailable, and ends what is searched for them. */
void interpreters_drain(struct interpreters *interpreters);
