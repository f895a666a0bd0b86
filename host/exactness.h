/* Which files a long-lived interpreter may marshal otherwise than a fresh one (cpython issues 129724, 98819): they are
 * left to a pristine process. */
#pragma once

#include <stdbool.h>

#include <Python.h>

/* Before compiling: whether the source, once compiled here as `filename`, could change the bytes of files compiled
 * later. Up to 3.12 a name of one Latin-1 letter makes the string of that one character an interned one for good; up
 * to 3.10 so do the names of every module that the compiler imports. */
bool exactness_source_is_tainting(const char *data, size_t len, const char *filename);

/* Before compiling: whether the code is likely not to be exact, so that compiling here is work for nothing. */
bool exactness_source_is_doubtful(const char *data, size_t len);

/* After compiling: whether the code's bytes are those of a fresh interpreter. From 3.12 on they are not where equal
 * frozensets are constants of two code objects: their strings may be in another order; up to 3.10 where a brace alone
 * is a constant: it may be an interned string. */
bool exactness_of_code(PyObject *code);
