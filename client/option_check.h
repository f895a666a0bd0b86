/* Has the interpreter say which -W options it ignores, before anything else is said. */
#pragma once

#include <cjson/cJSON.h>

#include "client/run_link.h"
#include "proto/compile_request.h"

/* Whether an interpreter may have something to say of the options: not where each is just the name of an action. */
bool option_check_is_needed(const cJSON *warnings);

/* The result of compiling nothing with the request's options; the caller deletes it. NULL with *why NULL: the daemon
 * answers with an error, which the files will meet too. NULL with a message, which the caller frees: no daemon can be
 * reached. */
cJSON *option_check(struct run_link *link, const struct compile_request *request, char **why);
