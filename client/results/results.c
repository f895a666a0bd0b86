/* What all formats have in common. */
#include "client/results/results.h"

#include <stdlib.h>
#include <string.h>

const struct schema_choice results_choices[] = {
    {"text", RESULTS_TEXT},
    {"json", RESULTS_JSON},
    {"github", RESULTS_GITHUB},
    {"gitlab", RESULTS_GITLAB},
    {"sarif", RESULTS_SARIF},
    {"junit", RESULTS_JUNIT},
    {NULL, 0},
};

static const struct results_format *const formats[] = {
    [RESULTS_TEXT] = NULL,
    [RESULTS_LINES] = &results_lines,
    [RESULTS_JSON] = &results_json,
    [RESULTS_GITHUB] = &results_github,
    [RESULTS_GITLAB] = &results_gitlab,
    [RESULTS_SARIF] = &results_sarif,
    [RESULTS_JUNIT] = &results_junit,
};

void results_init(struct results *results, enum results_kind kind, const char *prog) {
    *results = (struct results){.prog = prog, .format = formats[kind]};
}

void results_deinit(struct results *results) {
    for (size_t i = 0; i < results->kind_count; i++)
        free(results->kinds[i]);
    free(results->kinds);
    buffer_deinit(&results->held);
    *results = (struct results){0};
}

bool results_is_on(const struct results *results) {
    return results->format != NULL;
}

void results_add(struct results *results, const struct results_entry *entry, struct buffer *out) {
    struct findings findings = {0};
    if (results->format != &results_lines)
        findings_init(&findings, entry->text, entry->failed);
    for (size_t i = 0; i < findings.count; i++)
        results->warnings += !findings.list[i].is_error;
    results->format->add(results, entry, &findings, out);
    findings_deinit(&findings);
}

/* The prologue, and what was kept, in front of the elements. */
static void results_begin(struct results *results, struct buffer *out) {
    struct buffer text = {0};
    size_t skipped = results->format->is_list && out->len > 0 && out->data[0] == ',';
    if (results->format->prologue != NULL)
        buffer_append_string(&text, results->format->prologue);
    buffer_append(&text, out->data + skipped, out->len - skipped);
    buffer_deinit(out);
    *out = text;
    results->has_begun = true;
}

void results_flush(struct results *results, struct buffer *out) {
    if (results->format == NULL || results->has_ended || out->len == 0)
        return;
    if (results->format->is_whole) {
        buffer_append(&results->held, out->data, out->len);
        out->len = 0;
    } else if (!results->has_begun) {
        results_begin(results, out);
    }
}

void results_end(struct results *results, struct summary *summary, struct buffer *out) {
    summary->warnings = results->warnings;
    if (results->format == NULL)
        return;
    if (!results->has_begun)
        results_begin(results, out);
    results->has_ended = true;
    if (results->format->end != NULL)
        results->format->end(results, summary, out);
}
