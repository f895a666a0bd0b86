/* The process of a host: its command line, its environment, its start and its violent end. Behind a table (struct
 * host_driver), so that unit tests of the pool bring hosts that are no processes. What a host is used for, and what its
 * end means, is decided above. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "daemon/options.h"
#include "daemon/pool/job.h"

struct host_process;

struct host_process_events {
    /* The process has ended (waitpid(2)). */
    void (*exited)(struct host_process *process, int64_t exit_status, int term_signal);
    /* Its handle is closed: it may be freed. Comes after `exited`, or after a failed start. */
    void (*closed)(struct host_process *process);
};

struct host_process {
    uv_process_t handle;
    const struct host_process_events *events;
    int pid; /* 0: not started */
};

/* What a host is started with. Everything is borrowed for the time of the start. */
struct host_command {
    const char *program;
    const char *interpreter; /* or NULL */
    bool trial;
    const char *files; /* the name of the files of which a trial went well; NULL: not known */
    enum host_kind kind;
    unsigned workers;
    const int *fds; /* the host's ends of its sockets: control's first, then one a worker */
    const struct options *options;
    int remote_fd; /* of the memory that hosts share about the remote cache; -1: no remote cache */
};

struct host_driver {
    /* Starts the process. Returns 0 or a negative errno value; in both cases `closed` comes, but not before the call
     * returns. */
    int (*start)(struct host_process *process, uv_loop_t *loop, const struct host_command *command);
    /* Kills the process and all processes that it has forked (SIGKILL to its group). `exited`: it has ended, but a
     * process of its group still lives. */
    void (*kill)(struct host_process *process, bool exited);
    /* How many processes the kernel has killed for want of memory, anywhere; -1: not known. */
    long (*oom_kills)(void);
};

/* Real processes. */
extern const struct host_driver host_process_driver;

/* The resident memory of a process in KiB; 0 where it is not known. */
long host_process_memory_kb(int pid);
