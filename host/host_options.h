/* The command line of a host, which the server writes (docs/host.md): no help for people, and no abbreviations. */
#pragma once

#include <stdbool.h>

struct host_options {
    int control_fd;            /* of the control socket */
    int first_fd, last_fd;     /* of the workers' sockets */
    const char *build;         /* the server's build, or NULL: not checked */
    unsigned mask;             /* umask for requests that name none */
    unsigned memory_limit;     /* MiB that the process may allocate; 0: no limit */
    unsigned big_source;       /* bytes; a longer source needs a host of its own; 0: no limit */
    bool pristine, solo;       /* see docs/host.md */
    const char *cache;         /* folder of the cache, or NULL */
    unsigned long cache_limit; /* bytes; 0: as it was */
    bool shares_release;       /* the cache's key names the release of Python, not the build and the architecture */
    int remote_state_fd;       /* of the state of the remote tier; -1: there is no remote tier */
    unsigned remote_timeout;   /* ms */
    bool remote_read_only;
    const char
        *interpreter; /* the executable that this process runs, or whose libpython it is linked with; "": not said */
    bool runs_interpreter; /* this process runs the interpreter's executable: it is not linked with a libpython */
    bool trial;            /* compare with the interpreter's own py_compile first (host/trial.h) */
    const char *files;     /* the name of the files of which a trial went well (python_files.h), or NULL: not checked */
};

/* Reads the command line into *options, which borrows its strings. Returns false where it is not one that docs/host.md
 * allows: an unknown option, a value that is no number in full, a missing descriptor. */
bool host_options_parse(int argc, char **argv, struct host_options *options);
