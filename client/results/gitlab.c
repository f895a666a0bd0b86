/* GitLab's Code Quality report: https://docs.gitlab.com/ci/testing/code_quality/ (a subset of Code Climate's). */
#include <string.h>

#include "base/fnv.h"
#include "client/results/format.h"

/* GitLab compares reports by this, so it does not depend on the line's number: what moves with the text around it stays
 * the same finding. Equal findings of a file are numbered. */
static void gitlab_fingerprint(struct buffer *out, const struct results_entry *entry, const struct findings *findings,
                               size_t index) {
    const struct finding *finding = &findings->list[index];
    struct buffer text = {0};
    size_t before = 0;
    for (size_t i = 0; i < index; i++)
        before += strcmp(findings->list[i].kind, finding->kind) == 0 &&
                  strcmp(findings->list[i].message, finding->message) == 0;
    buffer_printf(&text, "%s\n%s\n%d\n%s\n%s\n%zu", entry->file, entry->python ? entry->python : "", entry->optimize,
                  finding->kind, finding->message, before);
    const char *end = text.data + text.len;
    uint64_t first = fnv_hash(text.data, end);
    buffer_printf(&text, "\n%016llx", (unsigned long long)first);
    buffer_printf(out, "\"%016llx%016llx\"", (unsigned long long)first,
                  (unsigned long long)fnv_hash(text.data, text.data + text.len));
    buffer_deinit(&text);
}

/* Relative paths are the repository's, without "./" in front. */
static const char *gitlab_path(const char *file) {
    while (file[0] == '.' && file[1] == '/') {
        file += 2;
        file += strspn(file, "/");
    }
    return file;
}

static void gitlab_add(struct results *results, const struct results_entry *entry, const struct findings *findings,
                       struct buffer *out) {
    (void)results;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];
        struct buffer message = {0};
        results_append_message(&message, entry, finding);
        buffer_append_string(out, ",\n{\"description\":");
        results_append_string(out, buffer_string(&message));
        buffer_append_string(out, ",\"check_name\":");
        results_append_string(out, finding->kind);
        buffer_append_string(out, ",\"fingerprint\":");
        gitlab_fingerprint(out, entry, findings, i);
        buffer_printf(out, ",\"severity\":\"%s\",\"location\":{\"path\":", finding->is_error ? "critical" : "minor");
        results_append_string(out, gitlab_path(entry->file));
        buffer_printf(out, ",\"lines\":{\"begin\":%lld", (long long)(finding->line ? finding->line : 1));
        if (finding->end_line > 0)
            buffer_printf(out, ",\"end\":%lld", (long long)finding->end_line);
        buffer_append_string(out, "}}}");
        buffer_deinit(&message);
    }
}

static void gitlab_end(struct results *results, const struct summary *summary, struct buffer *out) {
    (void)results, (void)summary;
    buffer_append_string(out, "\n]\n");
}

const struct results_format results_gitlab = {
    .prologue = "[",
    .is_list = true,
    .add = gitlab_add,
    .end = gitlab_end,
};
