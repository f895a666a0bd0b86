/* Asks the interpreter which -W options it ignores, so that it is printed before everything else. */
#pragma once

#include <cjson/cJSON.h>

#include "client/run_link.h"
#include "proto/compile_request.h"

/* Whether an interpreter may ignore one of the options. It never ignores an option that is just the name of an
 * action. */
bool option_check_is_needed(const cJSON *warnings);

/* The result of compiling an empty source with the request's options; the caller deletes it. NULL with *why NULL:
 * the daemon answers with an error, which the files will get too. NULL with a message, which the caller frees: no
 * daemon can be reached. */
cJSON *option_check(struct run_link *link, const struct compile_request *request, char **why);
