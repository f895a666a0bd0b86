/* A source that only this process can read, and only once: a pipe, a terminal, a socket, or one of its own
 * descriptors by name (/dev/stdin, /dev/fd/N). The client reads it, as py_compile does, and sends the text with the
 * request. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/buffer.h"

struct held_source {
    int fd;      /* stays open until the answer is there, since the daemon takes the source's stat from it; -1: none */
    bool is_own; /* the name is a descriptor's, in a folder that every process has for itself */
    char *path;  /* of the descriptor, as the daemon finds it */
    struct buffer bytes;
    char *fifo;       /* a named pipe whose further readers get an end of file; or NULL */
    pthread_t feeder; /* the thread that opens the pipe for them */
    atomic_bool done; /* ends the feeder */
    bool is_copy;     /* the bytes cannot be sent: the descriptor is a copy that the daemon reads */
    int copy_fd;      /* of a file in memory with the bytes, which are too many for a message; -1: they are sent */
    char *copy_path;  /* of that file, as the daemon finds it, or NULL */
};

/* Whether the daemon cannot read the file by that name. A missing file or a folder is left to the daemon, which
 * answers with Python's error. */
bool held_source_is(const char *file);

/* Opens the file and reads it to its end. `source` must be zeroed and stay at its address. Returns 0 or a negative
 * errno value. The caller calls held_source_deinit() in both cases. */
int held_source_read(struct held_source *source, const char *file);
void held_source_deinit(struct held_source *source);
