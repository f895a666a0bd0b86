/* The pool of one Python: its waiting jobs, its hosts, and which job goes to which worker.
 *
 * From 3.12 on a host holds many interpreters, each with its own GIL; before, it holds one, and the pool has as many
 * hosts as workers. The pool grows while jobs wait and shrinks when it is idle. recovery.h says what becomes of jobs
 * whose host dies; start.h what happens where no host can be started. Jobs that need much memory get solo hosts, one
 * after the other. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/interpreter_file.h"
#include "daemon/pool/host.h"
#include "daemon/pool/queues.h"
#include "daemon/pool/roster.h"
#include "daemon/pool/start.h"

struct pool {
    struct host_group group;
    struct queues queues;
    struct roster roster;
    struct starter starter;
    char *python;                 /* "3.13"; of an interpreter that was named at run time: its path */
    char *program;                /* path of its host */
    char *version;                /* "3.13.0", or NULL before the first host was ready */
    char *interpreter;            /* path of its executable, or NULL before the first host was ready */
    struct interpreter_file file; /* the interpreter that was named at run time; its path is NULL where the program has
                                     one of its own */
    bool proven;     /* a trial has shown that hosts compile as the interpreter does: else none gets a job */
    char *files;     /* the name of the interpreter's files that the trial was about, or NULL */
    bool keeps_warm; /* keeps one interpreter when it is idle */
    uint64_t last_used_ms;
    uint64_t interactive_until_ms; /* until then an editor may ask for more: no prefetch, which would delay that */
};

/* Makes a pool without hosts. `model` has what all pools have in common (driver, loop, channels, options, census,
 * remote_fd); its contents are copied. pool_close() closes its handles, when it has no hosts (any more); pool_free() is
 * for later, when the loop has turned. */
struct pool *pool_new(const struct host_group *model, const char *python, const char *program);
void pool_close(struct pool *pool);

/* Makes the pool that of another interpreter, or of the same one after it was replaced: its hosts are let go, and the
 * first that starts has to stand a trial. Takes *file, which was found at run time. */
void pool_take_interpreter(struct pool *pool, struct interpreter_file *file);

/* Whether it has no jobs. */
bool pool_is_free(const struct pool *pool);
struct pool *pool_free(struct pool *pool);

/* Makes a job of a client's. The caller completes it (wants, priority, timeout_ms, ...) and submits it. */
struct job *pool_new_job(struct pool *pool, struct connection *client, struct return_address *address,
                         enum job_kind kind, struct json_span params);

/* Makes a job that has no pool yet, and is in no list. pool_cancel() is for it, too. */
struct job *pool_new_unplaced_job(struct census *census, struct connection *client, struct return_address *address,
                                  enum job_kind kind, struct json_span params);

/* Takes a job: it will be answered, whatever happens. */
void pool_submit(struct pool *pool, struct job *job);

/* No client waits for the job any more: it is freed; if it runs, then later, and its answer is discarded. */
void pool_cancel(struct job *job);

/* Makes sure that one interpreter is up or coming. */
void pool_warm(struct pool *pool);

/* Shrinks the pool to one interpreter if it has done nothing for `idle_ms`. */
void pool_shrink(struct pool *pool, uint64_t idle_ms);

/* For draining, when census->draining is set: answers all waiting jobs with a retryable Unavailable; lets all hosts go;
 * kills them, and then the jobs that run are answered like those that wait. */
void pool_drain(struct pool *pool);
void pool_retire(struct pool *pool);
void pool_kill(struct pool *pool);
