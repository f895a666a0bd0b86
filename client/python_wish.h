/* The Python that a project asks for. The first of these that names a Python counts: $UV_PYTHON; the active virtual
 * environment ($VIRTUAL_ENV/pyvenv.cfg); the active conda environment ($CONDA_PREFIX); $PYENV_VERSION; then, in the
 * nearest folder, from the given one upward, that has one of them, .venv/pyvenv.cfg, .python-version, and
 * requires-python in the [project] of pyproject.toml.
 *
 * Files and folders of other users (other than root) are ignored, and everything above such a folder, since any user
 * may write to /tmp. */
#pragma once

#include <stdbool.h>

#include "base/python_version.h"

struct python_wish {
    struct python_version version; /* major is 0 if something else says what is meant */
    bool free_threaded;            /* a free-threaded build of that version */
    char *release;     /* the X.Y.Z, if a name asks for one; or NULL. The version of an environment is no such name. */
    char *specifier;   /* as of requires-python, or NULL */
    char *unknown;     /* a name that stands for no CPython that is known here, or NULL: then nothing else */
    char *path;        /* an interpreter that is named by its path, or NULL: then nothing else */
    char *interpreter; /* path of the interpreter that a virtual environment was made with, if one asks; or NULL */
    char *source;      /* the file, or the environment variable, that asks */
};

/* Looks from `folder` (absolute) upward. Returns whether there is a wish; then the caller calls
 * python_wish_deinit(). */
bool python_wish_find(struct python_wish *wish, const char *folder);
void python_wish_deinit(struct python_wish *wish);
