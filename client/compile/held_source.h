/* A source that only this process can read, and only once: a pipe, a terminal, a socket, or one of its own descriptors
 * by name (/dev/stdin, /dev/fd/N). It is read here, as py_compile reads it, and sent along. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/buffer.h"

struct held_source {
    int fd;     /* stays open until the answer is there: the daemon takes its stat by it; -1: none */
    char *path; /* of the descriptor, as the daemon finds it */
    struct buffer bytes;
    char *fifo;       /* a named pipe, of which every further reader gets an end of file; or NULL */
    pthread_t feeder; /* gives it to them */
    atomic_bool done; /* ends the feeder */
    bool is_copy;     /* the bytes cannot be sent: the descriptor is a copy that the daemon reads */
};

/* Whether the daemon cannot read the file by that name. What is not there, or is a folder, it can. */
bool held_source_is(const char *file);

/* Opens and reads it to its end; `source` is zeroed, and stays where it is. Returns 0 or a negative errno value. The
 * caller calls held_source_deinit() in any case. */
int held_source_read(struct held_source *source, const char *file);
void held_source_deinit(struct held_source *source);
