/* What the daemon inherits from the process that happened to start it, and must not keep, since it serves others too:
 * soft limits, a nice value, the working directory. Hard limits cannot be raised: they are reported. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct surroundings_limit {
    const char *name; /* of a member of `status` */
    uint64_t value;   /* bytes, seconds or a number */
    bool limited;     /* else there is no limit */
};

/* Raises the soft limits to the hard ones, except for stack size, on which the layout of memory depends, and core size.
 * `nice`: also resets a nice value, where that is permitted. */
void surroundings_raise(bool nice);

/* Makes / the working directory, so that no file system is kept from being unmounted. */
void surroundings_leave_folder(void);

/* Whether this process's executable was replaced or removed, as by an upgrade. */
bool surroundings_has_lost_program(void);

/* The hard limits that hold for this process and its hosts; the list ends with a name of NULL. */
const struct surroundings_limit *surroundings_limits(void);

/* The nice value. */
int surroundings_nice(void);
