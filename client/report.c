/* py_compile's two ways of printing an error. */
#include "client/report.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "client/stderr_text.h"
#include "proto/rpc.h"

void report_init(struct report *report, const char *prog, struct progress *progress) {
    *report = (struct report){.prog = prog, .progress = progress, .begin = clock_ms()};
}

void report_deinit(struct report *report) {
    buffer_deinit(&report->out);
    buffer_deinit(&report->err);
    results_deinit(&report->results);
    warnings_shown_deinit(&report->shown);
}

static bool ends_with_newline(const char *text) {
    size_t len = strlen(text);
    return len > 0 && text[len - 1] == '\n';
}

/* Warnings are the interpreter's own output: py_compile's -q does not silence them. */
static void append_warnings(struct report *report, const cJSON *holder) {
    warnings_shown_append(&report->shown, &report->err, cJSON_GetObjectItemCaseSensitive(holder, "warnings"), false);
}

void report_take_options(struct report *report, const cJSON *result) {
    warnings_shown_append(&report->shown, &report->err, cJSON_GetObjectItemCaseSensitive(result, "warnings"), true);
}

/* py_compile prints the message of its two exceptions and no newline behind it. */
static void append_error(struct report *report, const char *file, const cJSON *error) {
    int code = (int)json_get_integer(error, "code", INT_MIN, INT_MAX, 0);
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(error, "data");
    const char *msg = json_get_string(data, "msg");
    append_warnings(report, data);
    if (code == RPC_INTERNAL_ERROR && msg != NULL) {
        /* An exception that py_compile does not catch: the last line of its traceback. */
        stderr_text_append(&report->err, json_get_string(error, "message"));
        buffer_append_char(&report->err, '\n');
        return;
    }
    if (report->quiet)
        return;
    if ((code == RPC_PY_COMPILE_ERROR || code == RPC_OS_ERROR) && msg != NULL) {
        stderr_text_append(&report->err, msg);
        if (report->keep_going && !ends_with_newline(msg))
            buffer_append_char(&report->err, '\n');
        return;
    }
    const char *message = json_get_string(error, "message");
    buffer_printf(&report->err, "%s: ", report->prog);
    stderr_text_append(&report->err, file);
    buffer_append_string(&report->err, ": ");
    stderr_text_append(&report->err, message ? message : rpc_code_name(code));
    buffer_append_char(&report->err, '\n');
}

static void append_text(struct report *report, const char *file, struct json_span text, bool failed) {
    const char *why;
    if (!failed) {
        /* Most results have no warnings: then no tree is built. */
        struct json_span warnings = json_member(text.text, text.len, "warnings");
        if (warnings.text == NULL || (warnings.len == 2 && memcmp(warnings.text, "[]", 2) == 0))
            return;
    }
    cJSON *tree = json_parse(text.text, text.len, &why);
    if (failed)
        append_error(report, file, tree);
    else
        append_warnings(report, tree);
    cJSON_Delete(tree);
}

bool report_take(struct report *report, const char *file, struct json_span text, bool failed) {
    if (results_is_on(&report->results))
        results_add(&report->results, &(struct results_entry){file, NULL, -1, text, failed}, &report->out);
    else
        append_text(report, file, text, failed);
    summary_count(&report->summary, failed ? OUTCOME_FAILED : outcome_of(text));
    if (!failed)
        return true;
    report->status = exit_code_join(report->status, exit_code_of(text));
    return report->keep_going;
}

void report_end(struct report *report, const char *why) {
    if (report->is_full)
        return;
    results_flush(&report->results, &report->out);
    report->summary.elapsed_ms = clock_ms() - report->begin;
    report->summary.error = why;
    results_end(&report->results, &report->summary, &report->out);
}

bool report_flush(struct report *report) {
    results_flush(&report->results, &report->out);
    if (report->err.len == 0 && report->out.len == 0)
        return true;
    progress_clear(report->progress);
    (void)io_write_all(STDERR_FILENO, report->err.data, report->err.len);
    report->err.len = 0;
    int written = io_write_all(STDOUT_FILENO, report->out.data, report->out.len);
    report->out.len = 0;
    if (written >= 0)
        return true;
    char *text = xasprintf("%s: cannot write to standard output: %s\n", report->prog, strerror(-written));
    stderr_text_print(text);
    free(text);
    report->is_full = true;
    report->status = EXIT_CODE_FILES;
    return false;
}
