/* One job from request to answer: the steps of py_compile.compile() in their order, with the disk in C and the
 * compiling in compiler.h. The steps that need no interpreter come first: reading the source and asking the cache,
 * which may already give the answer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/answer.h"
#include "host/compiler.h"
#include "host/job_cache.h"
#include "host/pyc_file.h"
#include "host/source_file.h"
#include "proto/compile_request.h"

/* The terms under which a worker runs its jobs. */
struct job_setting {
    bool may_chdir;     /* the process has no other thread that minds its working directory */
    bool may_ask_cache; /* whatever the request says */
    bool solo;          /* no other job is or will be run by this host */
    size_t source_max;  /* bytes; a longer source needs a solo host, and fails in one; 0: no limit */
    mode_t mask;        /* for requests that name no umask */
    const char *unique; /* for the name of the temporary file */
};

/* A job that runs. */
struct compile_job {
    const struct job_setting *setting;
    const struct compile_request *request;
    int64_t started_us;
    int dir_fd; /* of the request's cwd, or AT_FDCWD where it has none and needs none */
    char *cfile;
    char *path; /* see struct compile_input, or NULL */
    struct source_file source;
    struct pyc_header header;
    struct job_cache cache;
    struct pyc_failure failure; /* met without an interpreter, which words it; its path is NULL where there is none */
    char *not_free;             /* the words of a FileExistsError about the place of the .pyc, or NULL */
};

/* Begins a job; the setting and the request must outlive it. */
void compile_job_init(struct compile_job *job, const struct job_setting *setting,
                      const struct compile_request *request);
void compile_job_deinit(struct compile_job *job);

/* Does the steps that need no interpreter, up to asking the remote cache. Returns whether they gave the answer. */
bool compile_job_begin(struct compile_job *job, struct answer *answer);

/* Takes the remote cache's answer, after compile_job_begin(); waits for it. Returns whether that gave the answer. */
bool compile_job_resume(struct compile_job *job, struct answer *answer);

/* Whether compile_job_resume() would wait. */
bool compile_job_is_waiting(const struct compile_job *job);

/* Does the rest, after compile_job_resume(), in the interpreter of the calling thread. */
void compile_job_finish(struct compile_job *job, struct compiler *compiler, struct answer *answer);

/* Removes the temporary file, if there is one, that a run of the request with the same `unique` left when it was
 * killed. */
void compile_job_clean(const struct job_setting *setting, const struct compile_request *request);
