/* The sys.path of `python -m compileall`. The interpreter itself is asked, since it depends on the environment. */
#pragma once

#include <stdint.h>

#include "base/buffer.h"
#include "client/python_info.h"

struct sys_path_question {
    const struct python_info *info;
    int64_t deadline; /* of clock_ms() */
    int wake_fd;      /* ends the wait when it becomes readable; -1: none */
};

/* Appends the folders, each ended by a NUL. Asks the interpreter of the active virtual environment if it has that
 * version, else the one that the host was built for, else pythonX.Y from PATH. Returns 0, or a negative errno value:
 * -EINTR if wake_fd has ended the wait, else with a message in *why (NULL before), which the caller frees. */
int sys_path_read(const struct sys_path_question *question, struct buffer *folders, char **why);
