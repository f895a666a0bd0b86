/* Choosing the Python for a client that names none: the one that the project asks for (python_wish.h), among those
 * of the daemon. */
#pragma once

#include "client/request_options.h"
#include "client/run_link.h"

/* Looks up what `folder` asks for (NULL: only the active virtual environment) and a host of the daemon for it: of the
 * versions that requires-python allows the daemon's default, else the newest. Returns 0 with the version in *python,
 * or the path of an interpreter, which the caller frees, or NULL if nothing asks; or a negative errno value with a
 * message, which the caller frees: -ENOENT if there is no such host. */
int python_choice_ask(struct rpc_client *client, const char *folder, char **python, char **why);

/* What a run compiles for. */
struct python_choice {
    char *python;  /* "3.13", or the path of an interpreter; NULL: request.python is to be sent as it is */
    char *reason;  /* a clause for a person: "FILE asks for 3.13.1" */
    char *release; /* the X.Y.Z that is asked for, or NULL */
};

/* Finds what --python, the environment and the project ask for, over the run's connection, which is opened only if it
 * is needed. --python may say X for the default or the newest of them, X.Y.Z, pythonX.Y, or the path of an
 * interpreter: then, and for the virtual environment of an interpreter that has no host of its own, that is chosen.
 * Returns 0, or a negative errno value (-ENOENT: there is no such host) and a message, which the caller frees. The
 * caller calls python_choice_deinit() in both cases. */
int python_choice_find(struct python_choice *choice, struct run_link *link, const struct request_options *shared,
                       char **why);
void python_choice_deinit(struct python_choice *choice);
