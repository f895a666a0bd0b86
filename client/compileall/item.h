/* A file that compileall compiles: its levels one after the other, and what is said of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "client/batch.h"
#include "client/compileall/file_set.h"
#include "client/compileall/options.h"

struct compileall_item {
    struct file_id source; /* no other item may have it while this one is open */
    char *path;
    char *dfile;          /* or NULL */
    struct buffer before; /* said before it, whatever becomes of it */
    struct buffer out;
    struct buffer warnings; /* JSON arrays of them, each with its NUL */
    size_t level;           /* index of the one that is asked for */
    char *cfile;            /* of the level before, where dupes are to be linked; or NULL */
    bool compiled, failed;
};

/* A new item; takes the strings. `path` NULL: one that only says what is to be said before it. */
struct compileall_item *compileall_item_new(char *path, char *dfile);
struct compileall_item *compileall_item_free(struct compileall_item *item);

/* Whether the level at hand is one that compile() takes; else the item has failed with its words. */
bool compileall_item_check_level(struct compileall_item *item, const struct compileall_options *options);

/* Takes the answer for the level at hand. Returns whether another level is to be asked for. */
bool compileall_item_answered(struct compileall_item *item, const struct compileall_options *options,
                              const struct batch_answer *answer);
