/* GitHub's workflow commands, one a finding:
 * https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands */
#include <string.h>

#include "client/results/format.h"
#include "client/stderr_text.h"

/* A value of a property takes no comma and no colon either. */
static void github_escape(struct buffer *out, const char *text, bool is_property) {
    struct buffer clean = {0};
    stderr_text_append(&clean, text);
    for (const char *at = buffer_string(&clean); *at != '\0'; at++) {
        if (strchr("%\r\n", *at) != NULL || (is_property && strchr(":,", *at) != NULL))
            buffer_printf(out, "%%%02X", (unsigned char)*at);
        else
            buffer_append_char(out, *at);
    }
    buffer_deinit(&clean);
}

static void github_number(struct buffer *out, const char *name, int64_t number) {
    if (number > 0)
        buffer_printf(out, ",%s=%lld", name, (long long)number);
}

static void github_add(struct results *results, const struct results_entry *entry, const struct findings *findings,
                       struct buffer *out) {
    (void)results;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];
        struct buffer message = {0};
        buffer_printf(out, "::%s file=", finding->is_error ? "error" : "warning");
        github_escape(out, entry->file, true);
        github_number(out, "line", finding->line);
        github_number(out, "endLine", finding->end_line);
        github_number(out, "col", finding->column);
        github_number(out, "endColumn", finding->end_column);
        buffer_append_string(out, ",title=");
        github_escape(out, finding->kind, true);
        buffer_append_string(out, "::");
        results_append_message(&message, entry, finding);
        github_escape(out, buffer_string(&message), false);
        buffer_append_char(out, '\n');
        buffer_deinit(&message);
    }
}

static void github_end(struct results *results, const struct summary *summary, struct buffer *out) {
    const char *reason = summary_reason(summary);
    if (reason == NULL)
        return;
    buffer_append_string(out, "::error title=");
    github_escape(out, results->prog, true);
    buffer_append_string(out, "::");
    github_escape(out, reason, false);
    buffer_append_char(out, '\n');
}

const struct results_format results_github = {.add = github_add, .end = github_end};
