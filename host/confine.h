/* The limits of a host process, set before it compiles anything. No Python here. */
#pragma once

#include <stddef.h>

/* Sets the process's own limits: no cores, no new privileges, at most `memory_limit` bytes allocated (0: no limit);
 * modes of files as they are given, and a working directory in which no relative name means anything. */
void confine(size_t memory_limit);
