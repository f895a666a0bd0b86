/* The work by the interpreter itself, where no daemon can be had: --fallback. This process becomes
 * `python -m py_compile` or `python -m compileall`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "client/request_options.h"
#include "client/run_link.h"
#include "proto/json.h"

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

/* Why a daemon that answers with this error (raw JSON text) cannot do the work at all: it has no host that runs, it
 * sees other folders, or it does not know the request. The caller frees. NULL: the error is about the source, such as
 * one that crashes the compiler or takes too long. */
char *fallback_reason(struct json_span error);

/* Reaches a daemon that has a host for the Python and gives a sign of life. Returns
 * 0, or a negative errno value and a message. */
int fallback_reach_daemon(struct run_link *link, const char *python, char **why);

/* Whether the interpreter is to do the work after the failure `result`, a negative errno value: --fallback was given,
 * and the user has not ended the work. */
bool fallback_is_for(const struct fallback *fallback, int result);

/* Says so on standard error, and replaces this process. *why is the reason why there is no daemon. If the fallback is
 * impossible it returns, and *why says that too. Closes the link in both cases. */
void fallback_run(const struct fallback *fallback, struct run_link *link, char **why);
