/* The sys.path of `python -m compileall`: asked of the interpreter itself, as it depends on its environment. */
#pragma once

#include <stdint.h>

#include "base/buffer.h"
#include "client/compileall/python_info.h"

struct sys_path_question {
    const struct python_info *info;
    int64_t deadline; /* clock.h */
    int wake_fd;      /* ends the waiting once it can be read; -1: none */
};

/* Appends the folders, each with its NUL. The virtual environment's interpreter is taken where one is active and of
 * that version, else the one that the host was built for, else pythonX.Y from PATH. Returns 0, or a negative errno
 * value: -EINTR where wake_fd has ended it, else with a message in *why (NULL before), which the caller frees. */
int sys_path_read(const struct sys_path_question *question, struct buffer *folders, char **why);
