/* Running a job in a copy of a process that has compiled nothing: what comes of it is what a fresh interpreter
 * gives. */
#pragma once

#include <stdbool.h>

/* Forks. Returns true in the child: it runs the job, answers and leaves. False in the parent once the child is gone,
 * with its wait status in *status; a child that still works when the host is told to leave is given a moment and
 * killed. */
bool pristine_fork(int control_fd, int *status);

/* Ends this process as another has ended that left this wait status, for the server to see. */
_Noreturn void pristine_die_like(int status);
