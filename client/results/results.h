/* Results for machines: the answers about all files, in the format that --output-format names. One file a format; each
 * has a struct results_format.
 *
 * Prints no messages for people: in the format "text" each program has its own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "client/results/format.h"
#include "proto/schema.h"

enum results_kind {
    RESULTS_TEXT,  /* nothing is written here */
    RESULTS_LINES, /* --json: an object a line for each answer */
    RESULTS_JSON,  /* the same, and the summary at the end */
    RESULTS_GITHUB,
    RESULTS_GITLAB,
    RESULTS_SARIF,
    RESULTS_JUNIT,
};

/* The names of --output-format. */
extern const struct schema_choice results_choices[];

/* `prog` is the program's name, borrowed. */
void results_init(struct results *results, enum results_kind kind, const char *prog);
void results_deinit(struct results *results);

/* Whether a format for machines was asked for. */
bool results_is_on(const struct results *results);

/* Appends an answer to `out`, which need not be in the order in which results_flush() gets it. */
void results_add(struct results *results, const struct results_entry *entry, struct buffer *out);

/* Turns elements that are due, in order, into what is written on standard output: `out` is changed in place. In the
 * format "text" it stays as it is. */
void results_flush(struct results *results, struct buffer *out);

/* Appends the end of the document, after the last results_flush(). Sets summary->warnings. */
void results_end(struct results *results, struct summary *summary, struct buffer *out);
