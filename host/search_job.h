/* The job of `search`: re.search() of one pattern in many strings. It imports re, which stays imported, so it is only
 * for a pristine process, which runs one job. */
#pragma once

#include "host/answer.h"
#include "proto/search_request.h"

void search_job_run(const struct search_request *request, struct answer *answer);
