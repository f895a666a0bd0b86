/* Recognises the files that a long-lived interpreter may marshal differently from a fresh one (cpython issues 129724,
 * 98819). A pristine process compiles those. docs/exactness.md lists the causes. */
#pragma once

#include <stdbool.h>

#include <Python.h>

/* Before compiling: whether the source, once compiled here as `filename`, could change the bytes of files compiled
 * later. Up to 3.12 a name of one Latin-1 letter makes the string of that one character an interned one for good; up
 * to 3.10 so do the names of every module that the compiler imports. */
bool exactness_source_is_tainting(const char *data, size_t len, const char *filename);

/* Before compiling: whether the code is probably not exact, so that compiling it here would be wasted work. */
bool exactness_source_is_doubtful(const char *data, size_t len);

/* After compiling: whether the code's bytes are those of a fresh interpreter. From 3.12 on they may not be if two code
 * objects have equal frozensets as constants, whose strings may be in another order. Up to 3.10 they may not be if a
 * single brace is a constant, which may be an interned string. */
bool exactness_of_code(PyObject *code);
