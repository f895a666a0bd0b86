/* Running a job in a fork of a process that has compiled nothing, so that it has a fresh interpreter. A child is forked
 * ahead of need: it waits for a job at the other end of a socketpair, and ends with this process, whose end of the pair
 * is the only one. It has nothing of its own but the pages that either of the two has written to since. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/buffer.h"

/* The child that waits. Zeros: there is none. */
struct pristine_child {
    pid_t pid;
    int fd; /* our end of the pair */
};

/* Makes sure that a child waits, if a process can be had. Returns true in that child, once it has got a request, which
 * *text holds then; the child runs it, answers and leaves. Returns false in this process. */
bool pristine_prepare(struct pristine_child *ready, struct buffer *text);

/* Gives a request to the child that waits. Returns its process id; 0: none waits any more. */
pid_t pristine_give(struct pristine_child *ready, const char *text, size_t len);

/* Forks. Returns 0 in the child. A failure ends this process, as the server expects of a host that cannot go on. */
pid_t pristine_fork(void);

/* Waits until that child is gone, and returns its wait status. If the host is told to leave while the child works, the
 * child gets a moment and is then killed. */
int pristine_wait(pid_t child, int control_fd);

/* Ends this process with the given wait status, so that the server sees how the child has ended. */
_Noreturn void pristine_die_like(int status);
