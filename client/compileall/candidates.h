/* The files and folders that compileall looks at, in its order: those named on the command line and in a list, and
 * the contents of the folders. Which of them are compiled is decided in work.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "client/compileall/walk.h"
#include "client/names.h"

struct candidates {
    char *const *dests;
    size_t dest_count, next;
    struct names *list;       /* further names, or NULL */
    struct look_ahead *ahead; /* for the walks, or NULL; borrowed */
    long levels;              /* of folders below a named one */
    bool folders_alone;       /* each name is taken for a folder, whatever it is */
    size_t seen;              /* the number of names so far */
    char *dest;               /* the current name */
    struct walk *walk;        /* through it, if it is a folder */
};

enum candidates_step {
    CANDIDATE_LISTING, /* as in walk.h */
    CANDIDATE_FAILED,
    CANDIDATE_FILE,
    CANDIDATE_NUL,  /* the list has a name with a NUL in it; entry->path is the part before the NUL */
    CANDIDATE_WAIT, /* names_fill() is needed */
    CANDIDATE_END,
};

/* `folder` is the named folder, or NULL if the file itself was named. Valid until the next step. */
struct candidate {
    struct walk_entry entry;
    const char *folder;
    bool left_out; /* by -x (candidates_filter.h) */
};

enum candidates_step candidates_next(struct candidates *candidates, struct candidate *candidate);

/* Ends a walk that has not come to its end. */
void candidates_deinit(struct candidates *candidates);
