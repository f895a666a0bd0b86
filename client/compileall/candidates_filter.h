/* Candidates, each with the word of -x on it. Python is asked of many at once, so they are read ahead. */
#pragma once

#include <stddef.h>

#include "client/compileall/candidates.h"
#include "client/compileall/path_filter.h"

struct candidates_filter {
    struct candidates *source;
    const struct path_filter *filter; /* NULL: nothing is left out, and nothing read ahead */
    struct candidates_ahead *ahead;
    size_t count, next;
};

/* As candidates_next(). Returns CANDIDATE_END with a message in *why, which the caller frees, where Python could not be
 * asked or the pattern is none. */
enum candidates_step candidates_filter_next(struct candidates_filter *filter, struct candidate *candidate, char **why);

/* Frees what was read ahead. */
void candidates_filter_deinit(struct candidates_filter *filter);
