/* Recognises the files that a long-lived interpreter may marshal differently from a fresh one (cpython issues 129724,
 * 98819). A pristine process compiles those. docs/exactness.md lists the causes. */
#pragma once

#include <stdbool.h>

#include <Python.h>

#include "host/warning_state.h"

/* Whether warnings may be shown in place, if their lines are in memory. Up to 3.10 the bytes show every name that is
 * alive. */
#define EXACTNESS_LINES_AT_HAND (PY_VERSION_HEX >= 0x030B0000)

/* Before compiling: whether the source, once compiled here as `filename`, could change the bytes of files compiled
 * later. Up to 3.12 a name of one Latin-1 letter makes the string of that one character an interned one for good; up
 * to 3.10 so do the names of every module that the compiler imports. */
bool exactness_source_is_tainting(const char *data, size_t len, const char *filename);

/* Before compiling: whether the code is probably not exact, so that compiling it here would be wasted work. */
bool exactness_source_is_doubtful(const char *data, size_t len);

/* The state on which a code object's bytes depend, beside the source. */
enum exactness {
    EXACTNESS_SURE,     /* nothing */
    EXACTNESS_INTERNED, /* the strings that were interned before (interned.h) */
    EXACTNESS_NONE,     /* more than that: a pristine process is needed */
};

/* After compiling: judges the code, whose compile had these warnings. `fresh`: how many modules a fresh process has
 * imported; those that stand behind them were imported by this compile or an earlier one. */
enum exactness exactness_of_code(PyObject *code, const struct warning_outcome *warnings, Py_ssize_t fresh);

/* Before compiling: whether compiling the source imports a module (a codec, or unicodedata), whose names are then
 * interned. Errs towards true. */
bool exactness_source_imports(const char *data, size_t len);
