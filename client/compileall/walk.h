/* The files of a folder and of all folders below it, in compileall's order: the names of a folder are sorted as
 * Python sorts them, and a folder's files come at the place of its name. Links to folders are not followed;
 * __pycache__ is left out. */
#pragma once

#include <stdbool.h>

#include "client/compileall/look_ahead.h"

struct walk;

enum walk_step {
    WALK_LISTING, /* entry->path is the folder that is read next */
    WALK_FAILED,  /* entry->path, just listed, cannot be read */
    WALK_FILE,    /* any name that is not a folder */
    WALK_END,
};

/* Valid until the next step. */
struct walk_entry {
    const char *path;
    int dir_fd; /* the folder of `name`; AT_FDCWD if `name` is a path */
    const char *name;
    bool is_current; /* a look ahead has found the file up to date */
};

/* Begins at `folder`, and goes that many levels below it. `ahead` (borrowed; NULL: none) looks at the files before
 * their turn. The caller calls walk_free(), which takes NULL. */
struct walk *walk_new(const char *folder, long levels, struct look_ahead *ahead);
struct walk *walk_free(struct walk *walk);

enum walk_step walk_next(struct walk *walk, struct walk_entry *entry);
