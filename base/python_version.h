/* Python versions as people and tools write them, and the specifiers of requires-python. Pure. */
#pragma once

#include <stdbool.h>

struct python_version {
    unsigned major, minor;
};

/* Reads the X.Y that `text` begins with, after "python", "cpython", a dash or "@" if there are
 * any: 3.12, 3.12.1, 3.13.0.final.0, python3.12, cpython-3.12.1-linux. Returns false where it does not name one of
 * CPython: system, pypy3.10, 3, 0.5. */
bool python_version_parse(const char *text, struct python_version *version);

/* Reads a text that is X.Y and nothing else. */
bool python_version_exact(const char *text, struct python_version *version);

/* Less than, equal to or more than 0, as `a` is older than, the same as or newer than `b`. */
int python_version_compare(const struct python_version *a, const struct python_version *b);

/* Whether the version that `text` begins with (see python_version_parse()) is X.Y or newer. */
bool python_version_is_at_least(const char *text, unsigned major, unsigned minor);

/* Whether some release X.Y.Z is allowed by a version specifier (">=3.9,<3.13"; the Python packaging user guide's
 * "Version specifiers"). A specifier that is none allows nothing. */
bool python_version_allowed(const struct python_version *version, const char *specifier);
