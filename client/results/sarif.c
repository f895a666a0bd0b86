/* SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/ */
#include <stdlib.h>
#include <string.h>

#include "base/percent.h"
#include "client/results/format.h"

/* Notes a class for the list of rules, which stands at the end, sorted. */
static void sarif_note_kind(struct results *results, const char *kind) {
    size_t at = 0;
    while (at < results->kind_count && strcmp(results->kinds[at], kind) < 0)
        at++;
    if (at < results->kind_count && strcmp(results->kinds[at], kind) == 0)
        return;
    results->kinds = xrealloc(results->kinds, (results->kind_count + 1) * sizeof *results->kinds);
    memmove(results->kinds + at + 1, results->kinds + at, (results->kind_count - at) * sizeof *results->kinds);
    results->kinds[at] = xstrdup(kind);
    results->kind_count++;
}

/* A relative reference stays one: its reader knows the folder. Its first segment may not look like a scheme. */
static void sarif_uri(struct buffer *out, const char *file) {
    struct buffer uri = {0};
    if (*file == '/')
        buffer_append_string(&uri, "file://");
    percent_encode(&uri, file);
    json_print_string(buffer_string(&uri), out);
    buffer_deinit(&uri);
}

static void sarif_region(struct buffer *out, const struct finding *finding) {
    buffer_printf(out, ",\"region\":{\"startLine\":%lld", (long long)finding->line);
    if (finding->column > 0)
        buffer_printf(out, ",\"startColumn\":%lld", (long long)finding->column);
    if (finding->end_line > 0)
        buffer_printf(out, ",\"endLine\":%lld,\"endColumn\":%lld", (long long)finding->end_line,
                      (long long)finding->end_column);
    buffer_append_char(out, '}');
}

static void sarif_add(struct results *results, const struct results_entry *entry, const struct findings *findings,
                      struct buffer *out) {
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];
        struct buffer message = {0};
        sarif_note_kind(results, finding->kind);
        results_append_message(&message, entry, finding);
        buffer_append_string(out, ",\n{\"ruleId\":");
        results_append_string(out, finding->kind);
        buffer_printf(out, ",\"level\":\"%s\",\"message\":{\"text\":", finding->is_error ? "error" : "warning");
        results_append_string(out, buffer_string(&message));
        buffer_append_string(out, "},\"locations\":[{\"physicalLocation\":{\"artifactLocation\":{\"uri\":");
        sarif_uri(out, entry->file);
        buffer_append_char(out, '}');
        if (finding->line > 0)
            sarif_region(out, finding);
        buffer_append_string(out, "}}]}");
        buffer_deinit(&message);
    }
}

static void sarif_tool(const struct results *results, struct buffer *out) {
    buffer_append_string(out, "\n],\n\"columnKind\":\"unicodeCodePoints\",\n\"tool\":{\"driver\":{\"name\":");
    json_print_string(results->prog, out);
    buffer_append_string(out, ",\"version\":\"" PYCOMPILED_VERSION "\",\"rules\":[");
    for (size_t i = 0; i < results->kind_count; i++) {
        buffer_append_string(out, i > 0 ? ",{\"id\":" : "{\"id\":");
        results_append_string(out, results->kinds[i]);
        buffer_append_char(out, '}');
    }
    buffer_append_string(out, "]}}");
}

static void sarif_end(struct results *results, const struct summary *summary, struct buffer *out) {
    const char *reason = summary_reason(summary);
    sarif_tool(results, out);
    buffer_printf(out, ",\n\"invocations\":[{\"executionSuccessful\":%s", reason == NULL ? "true" : "false");
    if (reason != NULL) {
        buffer_append_string(out, ",\"toolExecutionNotifications\":[{\"level\":\"error\",\"message\":{\"text\":");
        results_append_string(out, reason);
        buffer_append_string(out, "}}]");
    }
    buffer_append_string(out, "}]}]}\n");
}

const struct results_format results_sarif = {
    .prologue = "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\","
                "\"runs\":[{\"results\":[",
    .is_list = true,
    .add = sarif_add,
    .end = sarif_end,
};
