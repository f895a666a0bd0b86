/* Python versions as people and tools write them, and the specifiers of requires-python. Pure. */
#pragma once

#include <stdbool.h>

struct python_version {
    unsigned major, minor;
};

/* Reads the X.Y that `text` begins with, after "python", "cpython", a dash or "@" if there are
 * any: 3.12, 3.12.1, 3.13.0.final.0, python3.12, cpython-3.12.1-linux. Returns false where it does not name one of
 * CPython: system, pypy3.10, 3. */
bool python_version_parse(const char *text, struct python_version *version);

/* Whether some release X.Y.Z is allowed by a version specifier (">=3.9,<3.13"; the Python packaging user guide's
 * "Version specifiers"). A specifier that is none allows nothing. */
bool python_version_allowed(const struct python_version *version, const char *specifier);
