/* Tells a person which Python a run compiles for, and why: --which-python, and the notice about patch releases. */
#pragma once

#include "client/python_choice.h"
#include "client/python_info.h"
#include "client/request_options.h"
#include "client/run_link.h"

/* Prints the choice on standard output: X.Y, the interpreter that the host was built for, the reason. No daemon is
 * started or replaced. Returns the exit status; on a failure a message was printed. */
int which_python(struct run_link *link, const struct request_options *shared);

/* Prints a line on standard error if another patch release was asked for than the host's. */
void which_python_compare(const char *prog, const struct python_choice *choice, const struct python_info *info);
