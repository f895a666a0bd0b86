/* The RECORD of an installed distribution: the files that it consists of (packaging.python.org, "Recording installed
 * projects"). Its writer may be anybody: what it names is only taken where it lies in the folder that the distribution
 * is installed in. */
#pragma once

#include <stddef.h>

#include "base/buffer.h"

/* A longer RECORD is refused. */
#define RECORD_MAX ((size_t)64 << 20)

/* Appends the sources that the file names, relative to the folder in which the distribution is installed, each with its
 * NUL; names that lead out of that folder are left out. Returns 0, or a negative errno value: -EBADMSG if the file is
 * no RECORD. */
int record_read(int dir_fd, const char *path, struct buffer *sources);
