/* What the daemon inherits from the process that happened to start it, and must not keep, since it serves others too:
 * soft limits, a nice value, the working directory. Hard limits cannot be raised: `status` reports them, and a client
 * from better surroundings may start another daemon (client/daemon_check.h). */
#pragma once

#include <stdbool.h>

/* Raises the soft limits to the hard ones, except for stack size, on which the layout of memory depends, and core size.
 * `nice`: also resets a nice value, where that is permitted. */
void surroundings_raise(bool nice);

/* Makes / the working directory, so that no file system is kept from being unmounted. */
void surroundings_leave_folder(void);

/* Whether this process's executable was replaced or removed, as by an upgrade. */
bool surroundings_has_lost_program(void);
