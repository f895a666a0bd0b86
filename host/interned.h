/* The table of interned strings of an interpreter. From CPython 3.12 on each interpreter has its own, and strings stay
 * in it for good. A compile can get the table of a fresh process instead.
 *
 * CPython has no function for the table, so its address is searched for in the interpreter's state, and a candidate
 * is accepted only if it behaves like the table. If none is found, such files need a pristine process. */
#pragma once

#include <stdbool.h>

#include <Python.h>

struct interned;

/* Finds the table of the calling thread's interpreter, and keeps a copy of its present content. Returns NULL,
 * without an exception, if it is not found. The object lives as long as the interpreter. */
struct interned *interned_find(void);

/* Gives the interpreter a copy of the kept table. Returns false if there is no memory. */
bool interned_enter(struct interned *interned);

/* Gives the interpreter its own table back. Objects that were made in between should be freed before: a string that
 * was interned in between and lives on becomes a plain string. */
void interned_leave(struct interned *interned);
