/* One job from request to answer: the steps of py_compile.compile() in their order, with the disk in C and the compiling
 * in compiler.h. */
#pragma once

#include <sys/types.h>

#include "daemon/host/answer.h"
#include "daemon/host/compiler.h"
#include "proto/compile.h"

/* What the process offers a job. */
struct job_setting {
    struct compiler *compiler;
    bool may_chdir;     /* the process has no other thread that minds its working directory */
    bool solo;          /* no other job is or will be run by this host */
    size_t source_max;  /* bytes; a longer source is left to a solo host, which gives it up; 0: no limit */
    mode_t mask;        /* for requests that name no umask */
    const char *unique; /* for the name of the temporary file */
};

void compile_job_run(const struct job_setting *setting, const struct compile_request *request,
                     struct answer *answer);

/* Removes the temporary file, if there is one, that a run of the request with the same `unique` left when it was
 * killed. */
void compile_job_clean(const struct job_setting *setting, const struct compile_request *request);
