/* One member for each outcome. */
#include "client/results/summary.h"

static const char *const outcome_names[] = {
    [OUTCOME_UP_TO_DATE] = "up-to-date", [OUTCOME_CACHED] = "cached", [OUTCOME_CHECKED] = "checked",
    [OUTCOME_COMPILED] = "compiled",     [OUTCOME_FAILED] = "failed",
};

enum outcome outcome_of(struct json_span result) {
    struct json_span outcome = json_member(result.text, result.len, "outcome");
    return json_span_is(outcome, "\"up-to-date\"") ? OUTCOME_UP_TO_DATE
           : json_span_is(outcome, "\"cached\"")   ? OUTCOME_CACHED
           : json_span_is(outcome, "\"checked\"")  ? OUTCOME_CHECKED
                                                   : OUTCOME_COMPILED;
}

void summary_count(struct summary *summary, enum outcome outcome) {
    summary->files++;
    summary->outcomes[outcome]++;
}

const char *summary_reason(const struct summary *summary) {
    return summary->error == NULL && summary->interrupted ? "interrupted" : summary->error;
}

void summary_append_json(const struct summary *summary, struct buffer *out) {
    buffer_printf(out, "{\"summary\":{\"files\":%zu", summary->files);
    for (int i = 0; i <= OUTCOME_FAILED; i++)
        buffer_printf(out, ",\"%s\":%zu", outcome_names[i], summary->outcomes[i]);
    buffer_printf(out, ",\"warnings\":%zu,\"seconds\":%.3f", summary->warnings, (double)summary->elapsed_ms / 1000);
    if (summary->interrupted)
        buffer_append_string(out, ",\"interrupted\":true");
    if (summary->error != NULL) {
        buffer_append_string(out, ",\"error\":");
        json_print_string(summary->error, out);
    }
    buffer_append_string(out, "}}\n");
}
