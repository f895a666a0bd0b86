/* Temporary files of hosts that were killed with their server: the server, which removes them otherwise, cannot. */
#pragma once

#include <sys/types.h>

/* Removes the temporary files of the output `pyc` that hosts of the server `pid` have left beside it. No such host runs
 * any more. Errors are ignored: what cannot be removed stays. */
void leftovers_remove(const char *pyc, pid_t pid);
