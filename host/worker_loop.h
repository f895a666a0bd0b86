/* A worker in its host: reads requests from its socket, runs them one after the other, answers. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "host/trial.h"

struct worker_setting {
    int fd;
    int control_fd;
    long server_pid; /* with a job's id it names the temporary file */
    mode_t mask;
    bool pristine;       /* fork for every job */
    bool solo;           /* run one job */
    size_t source_max;   /* see compile_job.h */
    struct trial *trial; /* to be judged before the worker counts as warm, or NULL */
    bool tells_files;    /* the answer to `warm` tells of which files the trial went well */
    bool own_gil;        /* make a sub-interpreter; else use the main one, to which the thread is attached */
};

/* Works until the socket's end. Returns when there is nothing more to do. */
void worker_loop(const struct worker_setting *setting);
