/* Candidates, each with the word of compileall's -x on it: whether its path matches a regular expression of Python's.
 * Python itself is asked, through the daemon, about many paths at once; so candidates are read ahead. */
#pragma once

#include <stddef.h>

#include "client/compileall/candidates.h"
#include "client/run_link.h"

/* The pattern of -x, and who is asked. */
struct path_pattern {
    struct run_link *link;
    const char *python; /* "3.13" */
    const char *text;
};

struct candidates_filter {
    struct candidates *source;
    const struct path_pattern *pattern; /* NULL: nothing is left out, and nothing read ahead */
    struct candidates_ahead *ahead;
    size_t count, next;
};

/* Whether Python takes the pattern. Returns 0, or a negative errno value with a message, which the caller frees: the
 * last line of Python's traceback where the pattern is none. */
int path_pattern_check(const struct path_pattern *pattern, char **why);

/* As candidates_next(). Returns CANDIDATE_END with a message in *why, which the caller frees, where Python could not be
 * asked or the pattern is none. */
enum candidates_step candidates_filter_next(struct candidates_filter *filter, struct candidate *candidate, char **why);

/* Frees what was read ahead. */
void candidates_filter_deinit(struct candidates_filter *filter);
