/* The --timing file: a trace in Chrome's JSON format, which Perfetto opens. It has a process for each host, a thread
 * for each worker, an event for each compile. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "proto/json.h"

struct timing {
    FILE *file;
    bool any; /* an event was written */
};

/* Makes the file. Returns 0 or a negative errno value. */
int timing_open(struct timing *timing, const char *path);

/* Adds a compile. `answer` is its result, or the data of its error; one without `trace` is left out. */
void timing_add(struct timing *timing, const char *path, struct json_span answer, const char *outcome);

/* Ends the file. Returns 0, or a negative errno value if it could not be written. */
int timing_close(struct timing *timing);
