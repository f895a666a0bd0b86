/* Reads what is counted from the raw text of an answer. */
#include "daemon/pool/tally.h"

#include <stdlib.h>

#include "proto/rpc.h"

void tally_result(struct counters *counters, struct job *job, struct json_span result) {
    struct json_span outcome = json_member(result.text, result.len, "outcome");
    if (json_span_is(outcome, "\"compiled\"")) {
        job->outcome = OUTCOME_COMPILED;
        counters->compiled++;
        counters->cache_misses += job->asks_cache;
    } else if (json_span_is(outcome, "\"up-to-date\"")) {
        job->outcome = OUTCOME_UPTODATE;
        counters->up_to_date++;
    } else if (json_span_is(outcome, "\"checked\"")) {
        job->outcome = OUTCOME_CHECKED;
        counters->checked++;
    } else if (json_span_is(outcome, "\"cached\"")) {
        job->outcome = OUTCOME_CACHED;
        counters->cached++;
    }
}

void tally_cause(struct counters *counters, struct json_span error) {
    struct json_span data = json_member(error.text, error.len, "data");
    struct json_span cause = data.text ? json_member(data.text, data.len, "cause") : data;
    long number = cause.text ? strtol(cause.text, NULL, 10) : -1;
    if (number >= 0 && number < RPC_EXACT_CAUSES)
        counters->exact_causes[number]++;
}

void tally_compile_error(struct counters *counters, const struct job *job, struct json_span error) {
    struct json_span data = json_member(error.text, error.len, "data");
    struct json_span cached = data.text ? json_member(data.text, data.len, "cached") : data;
    counters->compile_errors++;
    if (json_span_is(cached, "true"))
        counters->cached_errors++;
    else
        counters->cache_misses += job->asks_cache;
}
