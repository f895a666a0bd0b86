/* The job of `search`: re.search() of one pattern in many strings. Imports re, which stays: for a pristine process,
 * where what a job leaves behind goes with it. */
#pragma once

#include "host/answer.h"
#include "proto/search_request.h"

void search_job_run(const struct search_request *request, struct answer *answer);
