/* The counts of a run, as the last object of --output-format json has them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "proto/json.h"

/* What became of a file. */
enum outcome {
    OUTCOME_UP_TO_DATE,
    OUTCOME_CACHED,
    OUTCOME_CHECKED, /* compiled, and nothing written */
    OUTCOME_COMPILED,
    OUTCOME_FAILED,
};

/* Of a daemon's result, raw JSON text. */
enum outcome outcome_of(struct json_span result);

struct summary {
    size_t files; /* each once, whatever the number of levels and Pythons; all that is counted below */
    size_t outcomes[OUTCOME_FAILED + 1];
    size_t warnings; /* of all levels and Pythons */
    int64_t elapsed_ms;
    bool interrupted;  /* by a signal */
    const char *error; /* why the run ended early, or NULL */
};

void summary_count(struct summary *summary, enum outcome outcome);

/* Why the run is incomplete, a signal included; NULL: it is complete. */
const char *summary_reason(const struct summary *summary);

/* Appends {"summary": {...}} and a newline. */
void summary_append_json(const struct summary *summary, struct buffer *out);
