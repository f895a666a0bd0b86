/* What a person or a program is told about each file: the words of py_compile on standard error, or
 * JSON lines on standard output. Decides the exit status. */
#pragma once

#include <stdbool.h>

#include "client/batch.h"
#include "client/progress.h"
#include "proto/buffer.h"

struct report {
    const char *prog;
    bool quiet;
    bool keep_going;
    bool json;
    struct progress *progress; /* cleared before anything is printed */
    int status;                /* of the process */
    struct buffer out;         /* for standard output */
    struct buffer err;         /* for standard error */
};

void report_init(struct report *report, const char *prog, struct progress *progress);
void report_deinit(struct report *report);

/* For struct batch; the context is the report. */
bool report_take(const struct batch_answer *answer, void *context);
bool report_flush(void *context);
