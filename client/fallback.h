/* The work by the interpreter itself, where no daemon can be had: --fallback. This process becomes
 * `python -m py_compile` or `python -m compileall`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "client/request_options.h"
#include "client/run_link.h"

struct fallback {
    const char *prog;   /* this program */
    const char *module; /* that does the work: py_compile */
    const struct request_options *shared;
    const char *python; /* the text of --python, or NULL */
    const char *lacks;  /* an option of the command line that the module does not have, or NULL */
    char **argv;        /* the interpreter's: owned, ended by NULL; argv[0] is not known before the end */
    size_t count;
};

/* Begins the command line: -W, -O, -m and the module. The strings and `shared` are borrowed. */
void fallback_init(struct fallback *fallback, const char *prog, const char *module,
                   const struct request_options *shared);
void fallback_deinit(struct fallback *fallback);

/* Appends an argument, an option with its value (nothing if that is NULL), or names, the first of which may begin with
 * a dash. All strings are copied. */
void fallback_add(struct fallback *fallback, const char *argument);
void fallback_add_value(struct fallback *fallback, const char *option, const char *value);
void fallback_add_names(struct fallback *fallback, char *const *names, size_t count);

/* Notes that the command line has an option that the module does not have. */
void fallback_refuse(struct fallback *fallback, const char *option, bool given);

/* Whether the failure `result` of finding a Python or a daemon is one that the interpreter can make good: there is no
 * daemon, or no host. */
bool fallback_is_for(const struct fallback *fallback, const struct run_link *link, int result);

/* Says so on standard error, and replaces this process. *why is the reason why there is no daemon. If the fallback is
 * impossible it returns, and *why says that too. Closes the link in both cases. */
void fallback_run(const struct fallback *fallback, struct run_link *link, char **why);
