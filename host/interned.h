/* The table of interned strings of an interpreter, from CPython 3.12 on, where each interpreter has its own and strings
 * stay in it for good: a compile can be given the table of a fresh process instead.
 *
 * CPython has no function for it, so the table is searched for in the interpreter's memory, and taken for it only if it
 * behaves so. Where it is not found, callers do without. */
#pragma once

#include <stdbool.h>

#include <Python.h>

struct interned;

/* Finds the table of the calling thread's interpreter, and remembers what is in it now. Returns NULL, without an
 * exception, where it is not found. It lives as long as the interpreter. */
struct interned *interned_find(void);

/* From now on the interpreter has the remembered table. Returns false where there is no memory. */
bool interned_enter(struct interned *interned);

/* Gives the interpreter its own table back. What was made in between should have been freed: a string that was interned
 * in between and lives on is a plain one from now on. */
void interned_leave(struct interned *interned);
