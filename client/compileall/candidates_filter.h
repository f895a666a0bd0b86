/* Applies compileall's -x to candidates: a file is left out if Python's re finds the pattern in its path. The daemon
 * has Python search many paths at once, so candidates are read ahead. */
#pragma once

#include <stddef.h>

#include "client/compileall/candidates.h"
#include "client/run_link.h"

/* The pattern of -x, and the Python that searches for it. */
struct path_pattern {
    struct run_link *link;
    const char *python; /* "3.13" */
    const char *text;
};

struct candidates_filter {
    struct candidates *source;
    const struct path_pattern *pattern; /* NULL: nothing is left out, and nothing is read ahead */
    struct candidates_ahead *ahead;
    size_t count, next;
};

/* Checks that Python accepts the pattern. Returns 0, or a negative errno value with a message, which the caller
 * frees: for an invalid pattern the last line of Python's traceback. */
int path_pattern_check(const struct path_pattern *pattern, char **why);

/* Works like candidates_next(). Returns CANDIDATE_END with a message in *why, which the caller frees, if Python
 * could not be asked or the pattern is invalid. */
enum candidates_step candidates_filter_next(struct candidates_filter *filter, struct candidate *candidate, char **why);

/* Frees the candidates that were read ahead. */
void candidates_filter_deinit(struct candidates_filter *filter);
