/* The work of pycompile-client: one request for each name; answers go to the report in the order of the names. */
#pragma once

#include "client/names.h"
#include "client/report.h"
#include "client/run_link.h"
#include "proto/compile_request.h"

/* Sends a `compile` request for every name; `request` has everything but the file. The report decides when to stop.
 * Returns 0, or a negative errno value with a message, which the caller frees. */
int file_batch_run(struct run_link *link, struct names *names, const struct compile_request *request,
                   struct report *report, char **why);
