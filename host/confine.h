/* The limits of a host process, set before it compiles anything. No Python here. */
#pragma once

#include <stddef.h>

/* Forbids core dumps and new privileges, limits the allocated memory to `memory_limit` bytes (0: no limit), sets the
 * umask to 0, and changes to a directory that no longer exists, so that no relative name means anything. */
void confine(size_t memory_limit);
