/* --json and --output-format json: JSON lines, with the daemon's answers as they came. */
#include "client/results/format.h"

static void json_add(struct results *results, const struct results_entry *entry, const struct findings *findings,
                     struct buffer *out) {
    (void)results, (void)findings;
    buffer_append_string(out, "{\"file\":");
    json_print_string(entry->file, out);
    if (entry->python != NULL) {
        buffer_append_string(out, ",\"python\":");
        json_print_string(entry->python, out);
    }
    if (entry->optimize >= 0)
        buffer_printf(out, ",\"optimize\":%d", entry->optimize);
    buffer_append_string(out, entry->failed ? ",\"error\":" : ",\"result\":");
    buffer_append(out, entry->text.text, entry->text.len);
    buffer_append_string(out, "}\n");
}

static void json_end(struct results *results, const struct summary *summary, struct buffer *out) {
    (void)results;
    summary_append_json(summary, out);
}

const struct results_format results_lines = {.add = json_add};
const struct results_format results_json = {.add = json_add, .end = json_end};
