/* Has the interpreter say which -W options it ignores, before anything else is said. */
#pragma once

#include <cjson/cJSON.h>

#include "proto/compile_request.h"

/* The result of compiling nothing with the request's options; the caller deletes it. NULL with *why NULL: the daemon
 * has an error for it, which the files will meet too. NULL with a message, which the caller frees: no daemon can be
 * reached. */
cJSON *option_check(const char *socket_path, const struct compile_request *request, char **why);
