/* Which Python a project asks for. In this order, the first that says something:
 *
 *   1. the active virtual environment: $VIRTUAL_ENV/pyvenv.cfg
 *   2. from the folder upward, in the nearest that has one of them: .venv/pyvenv.cfg, .python-version, requires-python
 *      in the [project] of pyproject.toml
 *
 * What belongs to another user (other than root) is not looked at, nor what is above it: anybody may write to /tmp. */
#pragma once

#include <stdbool.h>

#include "base/python_version.h"

struct python_wish {
    struct python_version version; /* major is 0 where a specifier is all there is */
    char *specifier;               /* of requires-python, or NULL */
    char *source;                  /* the file that says so */
};

/* Looks, from `folder` (absolute) upward. Returns whether there is a wish; then the caller calls python_wish_deinit().
 */
bool python_wish_find(struct python_wish *wish, const char *folder);
void python_wish_deinit(struct python_wish *wish);
