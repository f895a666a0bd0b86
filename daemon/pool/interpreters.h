/* Interpreters that requests name by a path, or by a version that has no host of its own: which file that stands for,
 * and so which pool.
 *
 * Finding that out reads the disk (base/interpreter_file.h), so it is done by a thread of the loop, for a few names at
 * a time; meanwhile the jobs wait here. What was found counts for a second: then the next job has it looked up again,
 * so that an interpreter that was replaced, or a virtual environment that was made anew, is noticed.
 *
 * What one client can take from others is bounded: it may use CLIENT_INTERPRETERS_MAX interpreters at once that were
 * named at run time, fewer than there may be. */
#pragma once

#include <uv.h>

#include "daemon/pool/pools.h"

/* Of which one client has open requests, at most. */
#define CLIENT_INTERPRETERS_MAX 8

struct interpreters {
    struct pools *pools;   /* borrowed */
    struct census *census; /* borrowed */
    uv_loop_t *loop;       /* borrowed */
    struct list names;     /* struct interpreter_name, the one that was used last at the end */
    unsigned name_count;
    unsigned looking; /* names that a thread looks up */
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

/* Answers the jobs that wait here with a retryable Unavailable. */
void interpreters_drain(struct interpreters *interpreters);
