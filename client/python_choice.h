/* Choosing the Python for a client that names none: the one that the project asks for (python_wish.h), among those
 * of the daemon. */
#pragma once

#include "client/run_link.h"

/* Looks up what `folder` asks for (NULL: only the active virtual environment) and a host of the daemon for it: of
 * the versions that requires-python allows the daemon's default, else the newest. Returns 0 with the version in
 * *python, which the caller frees, or NULL if nothing asks; or -1 with a message, which the caller frees, if there
 * is no such host. */
int python_choice_ask(struct rpc_client *client, const char *folder, char **python, char **why);

/* Understands what --python says beside X.Y: X for the default or the newest of them, X.Y.Z, pythonX.Y. Sets *python to
 * the X.Y that is meant, which the caller frees, or to NULL where `text` is to be sent as it is. Returns 0, or a
 * negative errno value with a message, which the caller frees. */
int python_choice_named(struct run_link *link, const char *text, char **python, char **why);

/* The same over the run's connection, which is opened only if something asks. */
int python_choice_make(struct run_link *link, const char *folder, char **python, char **why);
