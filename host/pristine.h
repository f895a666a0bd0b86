/* Running a job in a fork of a process that has compiled nothing, so that it has a fresh interpreter. */
#pragma once

#include <stdbool.h>

/* Forks. Returns true in the child, which runs the job, answers and leaves. Returns false in the parent once the child
 * is gone, with its wait status in *status. If the host is told to leave while the child works, the child gets a moment
 * and is then killed. */
bool pristine_fork(int control_fd, int *status);

/* Ends this process with the given wait status, so that the server sees how the child has ended. */
_Noreturn void pristine_die_like(int status);
