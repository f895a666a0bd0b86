/* One job from request to answer: the steps of py_compile.compile() in their order, with the disk in C and the
 * compiling in compiler.h. What needs no interpreter comes first: reading the source and asking the cache, which may be
 * all. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cache/store.h"
#include "host/answer.h"
#include "host/compiler.h"
#include "host/pyc_file.h"
#include "host/source_file.h"
#include "proto/compile_request.h"

/* What the process offers a job. */
struct job_setting {
    bool may_chdir;     /* the process has no other thread that minds its working directory */
    bool may_ask_cache; /* whatever the request says */
    bool solo;          /* no other job is or will be run by this host */
    size_t source_max;  /* bytes; a longer source is left to a solo host, which gives it up; 0: no limit */
    mode_t mask;        /* for requests that name no umask */
    const char *unique; /* for the name of the temporary file */
};

/* What a job holds while it runs. */
struct compile_job {
    const struct job_setting *setting;
    const struct compile_request *request;
    int64_t started_us;
    int dir_fd; /* of the request's cwd, or AT_FDCWD where it has none and needs none */
    char *cfile;
    struct source_file source;
    struct pyc_header header;
    struct store_key key;
    bool keyed;                 /* `key` is the source's */
    struct pyc_failure failure; /* met without an interpreter, which words it; its path is NULL where there is none */
    char *not_free;             /* what stands at the place of the .pyc, for FileExistsError; or NULL */
};

/* Begins a job; the setting and the request must outlive it. */
void compile_job_init(struct compile_job *job, const struct job_setting *setting,
                      const struct compile_request *request);
void compile_job_deinit(struct compile_job *job);

/* Does what needs no interpreter. True: that was all, and *answer is made. */
bool compile_job_begin(struct compile_job *job, struct answer *answer);

/* Does the rest, after compile_job_begin(), in the interpreter of the calling thread. */
void compile_job_finish(struct compile_job *job, struct compiler *compiler, struct answer *answer);

/* Removes the temporary file, if there is one, that a run of the request with the same `unique` left when it was
 * killed. */
void compile_job_clean(const struct job_setting *setting, const struct compile_request *request);
