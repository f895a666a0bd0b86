/* The work of pycompile-client: one request for each name; answers go to the report in the order of the names. */
#pragma once

#include "client/names.h"
#include "client/report.h"
#include "client/run_link.h"
#include "proto/compile_request.h"

/* For a fallback: what of the names is left where the work ends early. */
struct file_rest {
    bool wanted;   /* an error that is the daemon's and not the source's ends the work as if there were no daemon */
    size_t done;   /* names that were reported */
    bool consumed; /* a source was read that cannot be read again */
};

/* Sends a `compile` request for every name; `request` has everything but the file. The report decides when to stop.
 * Returns 0, or a negative errno value with a message, which the caller frees. */
int file_batch_run(struct run_link *link, struct names *names, const struct compile_request *request,
                   struct report *report, struct file_rest *rest, char **why);
