/* Running a job in a copy of a process that has compiled nothing: what comes of it is what a fresh interpreter
 * gives. */
#pragma once

#include <stdbool.h>

/* Forks. In the child false: it runs the job, answers and leaves. In the parent true, once the child is gone; a
 * parent whose child died otherwise than by leaving dies likewise, for the server to see. */
bool pristine_fork(int control_fd);
