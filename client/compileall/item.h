/* A file that compileall compiles: its levels one after the other, and the output about it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/batch.h"
#include "client/compileall/file_set.h"
#include "client/compileall/options.h"
#include "client/results/exit_code.h"
#include "client/results/results.h"

/* How items speak. */
struct compileall_output {
    const struct compileall_options *options;
    struct results *results;
    size_t python_count; /* each item is compiled for so many; with one, none is named in the output */
};

struct compileall_item {
    struct batch_item item;
    struct file_id source; /* no other open item may have the same source */
    char *path;
    char *dfile;          /* or NULL */
    struct buffer before; /* output before that of the file, whatever its outcome */
    struct buffer out;
    struct buffer warnings; /* JSON arrays of them, each with its NUL */
    size_t level;           /* index of the level that is asked for */
    size_t python;          /* index of the Python that is asked for */
    uint32_t bad;           /* a bit for each Python for which it has failed */
    char *cfile;            /* of the level before, if dupes are to be linked; else NULL */
    enum outcome outcome;   /* the worst one of the levels so far; up to date at first */
    enum exit_code status;
    bool is_said;    /* "Compiling ..." */
    bool is_counted; /* among those that were compiled, were up to date or failed */
};

/* Makes an item; takes the strings. With `path` NULL the item only has output. */
struct compileall_item *compileall_item_new(char *path, char *dfile);
struct compileall_item *compileall_item_free(struct compileall_item *item);

/* The item that contains it. */
struct compileall_item *compileall_item_of(struct batch_item *item);

/* Whether compile() accepts the current level. If not, the item has failed, with Python's message. */
bool compileall_item_check_level(struct compileall_item *item, const struct compileall_output *output);

/* Appends, where there are several Pythons and some of them fail, which do and which do not. */
void compileall_item_say_verdict(const struct compileall_item *item, const struct compileall_output *output,
                                 struct buffer *out);

/* Takes the answer for the current level and Python. Returns whether another one is to be asked for. */
bool compileall_item_answered(struct compileall_item *item, const struct compileall_output *output,
                              const struct batch_answer *answer);
