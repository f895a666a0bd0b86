/* The work of pycompileall-client: decides for each candidate whether it is compiled, makes the requests, and prints
 * the output, in compileall's order. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "client/compile_params.h"
#include "client/compileall/candidates.h"
#include "client/compileall/candidates_filter.h"
#include "client/compileall/file_set.h"
#include "client/compileall/item.h"
#include "client/compileall/options.h"
#include "client/compileall/timing.h"
#include "client/compileall/up_to_date.h"
#include "client/progress.h"
#include "client/python_info.h"
#include "client/warnings_shown.h"

struct compileall_work {
    const struct compileall_options *options;
    struct results results; /* the format; text at first */
    struct compileall_output output;
    struct run_link *link;
    struct candidates candidates;
    struct candidates_filter filter;
    struct candidate held; /* a candidate that waits until another item with the same source is done */
    bool holds;
    struct file_set open_files; /* the sources of all open items */
    struct up_to_date up_to_date;
    const char *python_version; /* of the host's interpreter, or NULL */
    bool looks_itself;          /* the client judges the headers; else the host does */
    bool compiles_all;          /* every file that is asked about is compiled: none is up to date */
    struct compile_params params[COMPILEALL_PYTHONS_MAX]; /* for each Python */
    struct progress progress;
    struct timing *timing; /* or NULL */
    struct buffer before;  /* output before that of the next item */
    struct buffer out, err;
    bool holds_output; /* nothing is written before a daemon has done some of the work, since the interpreter may
                          begin anew */
    bool has_served;   /* it has */
    struct warnings_shown shown;
    char *why;              /* the reason that ended the work, or NULL */
    bool met_nul;           /* a name has a NUL: the work ends before it */
    enum exit_code status;  /* of all that failed */
    struct buffer bad;      /* the names of files that failed, each with its NUL */
    size_t found;           /* files so far */
    size_t unknown;         /* files whose compile had begun when the work was ended, and was not waited for */
    struct summary summary; /* of what is done, printed or not */
};

/* The Pythons of a run: several with --check alone. */
struct compileall_pythons {
    struct python_info list[COMPILEALL_PYTHONS_MAX];
    size_t count;
};

/* Prepares the work, without candidates yet. The options, the Pythons (one at least) and the link must outlive it. */
void compileall_work_init(struct compileall_work *work, const struct compileall_options *options,
                          const struct compileall_pythons *pythons, struct run_link *link);
void compileall_work_deinit(struct compileall_work *work);

/* Goes on with other options and without -x. The options that all requests share must be the same. */
void compileall_work_set_options(struct compileall_work *work, const struct compileall_options *options);

/* Asks the interpreter which -W options it ignores. Returns 0, or a negative errno value with a message, which the
 * caller frees. */
int compileall_work_check_options(struct compileall_work *work, char **why);

/* Writes what `holds_output` has held back, and ends that. Returns 0, or a negative errno value with a message, which
 * the caller frees. */
int compileall_work_release(struct compileall_work *work, char **why);

/* Writes the end of the results for machines; `why` is the reason that has ended the run, or NULL. Returns 0, or a
 * negative errno value with a message, which the caller frees. */
int compileall_work_end(struct compileall_work *work, const char *why, char **why_not);

/* Does the work on all candidates. Returns 0, or a negative errno value with a message, which the caller frees. */
int compileall_work_run(struct compileall_work *work, char **why);
