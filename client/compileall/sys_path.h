/* The sys.path of `python -m compileall`: asked of the interpreter itself, as it depends on its environment. */
#pragma once

#include "base/buffer.h"
#include "client/compileall/python_info.h"

/* Appends the folders, each with its NUL. The virtual environment's interpreter is taken where one is active and of
 * that version, else the one that the host was built for, else pythonX.Y from PATH. Returns 0, or -1 with a message,
 * which the caller frees. */
int sys_path_read(const struct python_info *info, struct buffer *folders, char **why);
