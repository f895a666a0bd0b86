/* The output about each file: py_compile's messages on standard error, or results for machines on standard output.
 * Decides the exit status. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "client/progress.h"
#include "client/results/exit_code.h"
#include "client/results/results.h"
#include "client/warnings_shown.h"
#include "proto/json.h"

struct report {
    const char *prog;
    bool quiet;
    bool keep_going;
    struct progress *progress; /* cleared before anything is printed */
    struct results results;    /* the format; text at first */
    struct summary summary;
    enum exit_code status; /* of all that failed */
    int64_t begin;         /* of the run */
    bool is_full;          /* standard output takes no more */
    struct buffer out;     /* for standard output */
    struct buffer err;     /* for standard error */
    struct warnings_shown shown;
};

void report_init(struct report *report, const char *prog, struct progress *progress);
void report_deinit(struct report *report);

/* Takes a file's answer: the raw text of its result, or of its error if `failed`. Returns whether to go on. */
bool report_take(struct report *report, const char *file, struct json_span text, bool failed);

/* Ends the results: `why` is the reason that has ended the run, or NULL. The output is still to be flushed. */
void report_end(struct report *report, const char *why);

/* Writes the buffered output. Returns false if standard output does not take it. */
bool report_flush(struct report *report);

/* Takes the result of option_check.h, of which only the messages about invalid -W options count: an interpreter
 * prints them once, when it starts. */
void report_take_options(struct report *report, const cJSON *result);
