/* The counts of answers, by their outcome. `result` and `error` are the raw text of a host's answer. */
#pragma once

#include "daemon/census.h"
#include "daemon/pool/job.h"
#include "proto/json_check.h"

/* Counts a result by its outcome, which the job keeps. */
void tally_result(struct counters *counters, struct job *job, struct json_span result);

/* Counts the reason for which a host leaves a job to a pristine process. */
void tally_cause(struct counters *counters, struct json_span error);

/* Counts the error of a source that the compiler has refused, now or when the cache took it. */
void tally_compile_error(struct counters *counters, const struct job *job, struct json_span error);
