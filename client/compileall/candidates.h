/* What compileall looks at, in its order: the files and folders that are named on the command line and in a list, and
 * what the folders hold. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "client/compileall/walk.h"
#include "client/names.h"

struct candidates {
    char *const *dests;
    size_t dest_count, next;
    struct names *list; /* further ones, or NULL */
    long levels;        /* of folders below one that is named */
    bool folders_alone; /* what is named is taken for a folder, whatever it is */
    size_t seen;        /* how many were named so far */
    char *dest;         /* the one at hand */
    struct walk *walk;  /* in it, where it is a folder */
};

enum candidates_step {
    CANDIDATE_LISTING, /* as walk.h has them */
    CANDIDATE_FAILED,
    CANDIDATE_FILE,
    CANDIDATE_NUL,  /* the list has a name with a NUL in it; entry->path is what is before it */
    CANDIDATE_WAIT, /* names_fill() is needed */
    CANDIDATE_END,
};

/* `folder` is the one that was named, NULL where the file itself was. Valid until the next step. */
struct candidate {
    struct walk_entry entry;
    const char *folder;
    bool left_out; /* by -x: see candidates_filter.h */
};

enum candidates_step candidates_next(struct candidates *candidates, struct candidate *candidate);

/* Ends a walk that is not at its end. */
void candidates_deinit(struct candidates *candidates);
