/* Python versions as people and tools write them, and the specifiers of requires-python. Reads no file. */
#pragma once

#include <stdbool.h>

/* The versions 3.MINOR of CPython whose formats are known. docs/ARCHITECTURE.md has the list of what to look at before
 * the newest one is raised. */
#define PYTHON_MINOR_OLDEST 9
#define PYTHON_MINOR_NEWEST 15

struct python_version {
    unsigned major, minor;
};

/* Reads the X.Y at the beginning of `text`, after an optional "python", "cpython", dash or "@": 3.12, 3.12.1,
 * 3.13.0.final.0, python3.12, cpython-3.12.1-linux. Returns false if the text does not name a version of CPython:
 * system, pypy3.10, 3, 0.5; *version is then left as it is. */
bool python_version_parse(const char *text, struct python_version *version);

/* Reads a text that is X.Y and nothing else. Returns false for any other text. */
bool python_version_exact(const char *text, struct python_version *version);

/* The X.Y.Z at the beginning of `text`, as python_version_parse() reads it, without what follows; the caller frees.
 * NULL if the text names no patch release. */
char *python_version_release(const char *text);

/* Whether the name stands for a free-threaded build, whatever its version: 3.13t, python3.13.1t,
 * cpython-3.13.1+freethreaded-linux, python-3.13.1-h1_2_cp313t. */
bool python_version_is_free_threaded(const char *text);

/* Returns less than, equal to or more than 0, as `a` is older than, the same as or newer than `b`. */
int python_version_compare(const struct python_version *a, const struct python_version *b);

/* Whether the version at the beginning of `text` (as python_version_parse() reads it) is X.Y or newer. */
bool python_version_is_at_least(const char *text, unsigned major, unsigned minor);

/* Whether a version specifier (">=3.9,<3.13"; "Version specifiers" in the Python packaging user guide) allows some
 * release X.Y.Z. A malformed specifier allows nothing. */
bool python_version_allowed(const struct python_version *version, const char *specifier);
