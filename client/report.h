/* The output about each file: py_compile's messages on standard error, or JSON lines on standard output. Decides the
 * exit status. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "client/progress.h"
#include "client/warnings_shown.h"
#include "proto/json.h"

struct report {
    const char *prog;
    bool quiet;
    bool keep_going;
    bool json;
    struct progress *progress; /* cleared before anything is printed */
    int status;                /* of the process */
    struct buffer out;         /* for standard output */
    struct buffer err;         /* for standard error */
    struct warnings_shown shown;
};

void report_init(struct report *report, const char *prog, struct progress *progress);
void report_deinit(struct report *report);

/* Takes a file's answer: the raw text of its result, or of its error if `failed`. Returns whether to go on. */
bool report_take(struct report *report, const char *file, struct json_span text, bool failed);

/* Writes the buffered output. Returns false if standard output does not take it. */
bool report_flush(struct report *report);

/* Takes the result of option_check.h, of which only the messages about invalid -W options count: an interpreter
 * prints them once, when it starts. */
void report_take_options(struct report *report, const cJSON *result);
