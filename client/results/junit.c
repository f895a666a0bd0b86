/* JUnit's XML, in the form that Jenkins and GitLab read: a test case for each source, level and Python. */
#include <stdlib.h>
#include <string.h>

#include "client/results/exit_code.h"
#include "client/results/format.h"
#include "client/stderr_text.h"

/* Characters that XML 1.0 does not have become escapes, as Python's repr() has them. */
static void junit_escape(struct buffer *out, const char *text) {
    struct buffer clean = {0};
    stderr_text_append(&clean, text);
    for (const unsigned char *at = (const unsigned char *)buffer_string(&clean); *at != '\0'; at++) {
        bool is_noncharacter = at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe;
        if (strchr("&<>\"", *at) != NULL || (*at < 0x20 && strchr("\t\n\r", *at) != NULL))
            buffer_printf(out, "&#%d;", *at);
        else if (*at < 0x20)
            buffer_printf(out, "\\x%02x", *at);
        else if (is_noncharacter)
            buffer_append_string(out, at[2] == 0xbe ? "\\ufffe" : "\\uffff");
        else
            buffer_append_char(out, (char)*at);
        at += is_noncharacter ? 2 : 0;
    }
    buffer_deinit(&clean);
}

static void junit_attribute(struct buffer *out, const char *name, const char *value) {
    buffer_printf(out, " %s=\"", name);
    junit_escape(out, value);
    buffer_append_char(out, '"');
}

/* A failure is the source's; an error is that of whoever was to compile it. */
static void junit_failure(struct results *results, const struct results_entry *entry, const struct finding *finding,
                          struct buffer *out) {
    bool is_failure = exit_code_of(entry->text) == EXIT_CODE_SOURCE;
    const char *element = is_failure ? "failure" : "error";
    ++*(is_failure ? &results->counts.failures : &results->counts.errors);
    buffer_printf(out, "<%s", element);
    junit_attribute(out, "type", finding->kind);
    junit_attribute(out, "message", finding->message);
    buffer_append_char(out, '>');
    junit_escape(out, finding->text ? finding->text : finding->message);
    buffer_printf(out, "</%s>", element);
}

static void junit_warnings(const struct findings *findings, struct buffer *out) {
    buffer_append_string(out, "<system-err>");
    for (size_t i = 0; i < findings->count; i++)
        if (!findings->list[i].is_error)
            junit_escape(out, findings->list[i].text ? findings->list[i].text : findings->list[i].message);
    buffer_append_string(out, "</system-err>");
}

static void junit_name(struct buffer *out, const struct results_entry *entry) {
    buffer_append_string(out, " name=\"compile");
    if (entry->python != NULL)
        buffer_printf(out, " on Python %s", entry->python);
    if (entry->optimize >= 0)
        buffer_printf(out, " at level %d", entry->optimize);
    buffer_append_char(out, '"');
}

static void junit_add(struct results *results, const struct results_entry *entry, const struct findings *findings,
                      struct buffer *out) {
    struct json_span elapsed = json_member(entry->text.text, entry->text.len, "elapsed_us");
    long long elapsed_us = elapsed.text != NULL ? strtoll(elapsed.text, NULL, 10) : 0;
    size_t warnings = findings->count;
    results->counts.tests++;
    buffer_append_string(out, "<testcase");
    junit_attribute(out, "classname", entry->file);
    junit_name(out, entry);
    junit_attribute(out, "file", entry->file);
    buffer_printf(out, " time=\"%.6f\">", (double)elapsed_us / 1e6);
    if (entry->failed && findings->count > 0) {
        junit_failure(results, entry, &findings->list[0], out);
        warnings--;
    }
    if (warnings > 0)
        junit_warnings(findings, out);
    buffer_append_string(out, "</testcase>\n");
}

/* A run that ended early is a test case of its own. */
static void junit_run_error(struct results *results, const char *reason) {
    struct buffer *out = &results->held;
    results->counts.tests++;
    results->counts.errors++;
    buffer_append_string(out, "<testcase");
    junit_attribute(out, "classname", results->prog);
    buffer_append_string(out, " name=\"run\"><error");
    junit_attribute(out, "message", reason);
    buffer_append_string(out, "/></testcase>\n");
}

static void junit_end(struct results *results, const struct summary *summary, struct buffer *out) {
    const char *reason = summary_reason(summary);
    if (reason != NULL)
        junit_run_error(results, reason);
    for (int i = 0; i < 2; i++) {
        buffer_append_string(out, i == 0 ? "<testsuites" : "<testsuite");
        junit_attribute(out, "name", results->prog);
        buffer_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"%s time=\"%.3f\">\n", results->counts.tests,
                      results->counts.failures, results->counts.errors, i == 0 ? "" : " skipped=\"0\"",
                      (double)summary->elapsed_ms / 1000);
    }
    buffer_append(out, results->held.data, results->held.len);
    buffer_append_string(out, "</testsuite>\n</testsuites>\n");
}

const struct results_format results_junit = {
    .prologue = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
    .is_whole = true,
    .add = junit_add,
    .end = junit_end,
};
