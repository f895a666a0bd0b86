/* py_compile's two ways of printing an error, and JSON. */
#include "client/report.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "client/stderr_text.h"
#include "proto/rpc.h"

void report_init(struct report *report, const char *prog, struct progress *progress) {
    *report = (struct report){.prog = prog, .progress = progress};
}

void report_deinit(struct report *report) {
    buffer_deinit(&report->out);
    buffer_deinit(&report->err);
    warnings_shown_deinit(&report->shown);
}

static bool ends_with_newline(const char *text) {
    size_t len = strlen(text);
    return len > 0 && text[len - 1] == '\n';
}

static void append_json(struct report *report, const char *file, struct json_span text, bool failed) {
    buffer_append_string(&report->out, "{\"file\":");
    json_print_string(file, &report->out);
    buffer_append_string(&report->out, failed ? ",\"error\":" : ",\"result\":");
    buffer_append(&report->out, text.text, text.len);
    buffer_append_string(&report->out, "}\n");
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
    if (report->json)
        append_json(report, file, text, failed);
    else
        append_text(report, file, text, failed);
    if (!failed)
        return true;
    report->status = 1;
    return report->keep_going;
}

bool report_flush(struct report *report) {
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
    report->status = 1;
    return false;
}
