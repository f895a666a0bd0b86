/* A format of results for machines, as each file of a format defines it, and what formats share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "client/results/finding.h"
#include "client/results/summary.h"

/* The answer about a file. */
struct results_entry {
    const char *file;
    const char *python;    /* that was asked for, where a run asks several; else NULL */
    int optimize;          /* the level that was asked for; -1: not said */
    struct json_span text; /* of the result, or of the error if `failed` */
    bool failed;
};

struct results {
    const char *prog;
    const struct results_format *format; /* NULL: RESULTS_TEXT */
    bool has_begun;                      /* the prologue was written */
    bool has_ended;                      /* so was the end */
    struct buffer held;                  /* elements that wait for the end */
    struct {
        size_t tests, failures, errors; /* of JUnit */
    } counts;
    size_t warnings;
    char **kinds; /* classes of findings so far, of SARIF */
    size_t kind_count;
};

struct results_format {
    const char *prologue;
    bool is_list;  /* each element begins with a comma, of which the first is left out */
    bool is_whole; /* the elements are kept until the end, since counts stand before them */
    void (*add)(struct results *results, const struct results_entry *entry, const struct findings *findings,
                struct buffer *out);
    void (*end)(struct results *results, const struct summary *summary, struct buffer *out);
};

extern const struct results_format results_lines, results_json, results_github, results_gitlab, results_sarif,
    results_junit;

/* A finding's message, with the Python that it is about where there are several. */
void results_append_message(struct buffer *out, const struct results_entry *entry, const struct finding *finding);

/* A JSON string of nothing but UTF-8: bytes that are none become \udcNN, as on standard error. */
void results_append_string(struct buffer *out, const char *text);
