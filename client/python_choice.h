/* Which of the daemon's Pythons serves a client that was not told: the one that the project asks for. */
#pragma once

#include "client/run_link.h"

/* Looks for what `folder` asks for (python_wish.h; NULL: only the active virtual environment), and where it asks, which
 * host of the daemon's has it: of those that requires-python allows the daemon's default, else the newest. Returns 0
 * with *python the version, which the caller frees, or NULL where nothing asks; or -1 with a message, which the caller
 * frees: there is no such host. */
int python_choice_ask(struct rpc_client *client, const char *folder, char **python, char **why);

/* The same with the run's connection, which is opened only where something asks. */
int python_choice_make(struct run_link *link, const char *folder, char **python, char **why);
