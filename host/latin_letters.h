/* The strings of one Latin-1 letter from U+0080 to U+00FF. Up to CPython 3.12 there is one object for each, which a
 * compile flags as interned for good where the letter is a name; marshal shows the flag. On 3.12 the interpreters of a
 * process share these objects. A source with such names is compiled alone, and the flags are cleared behind it.
 *
 * Recognising such a source is exactness.h's business. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <Python.h>

/* Whether a source of that length with such names may be compiled in place. Other workers of 3.12 may have to wait for
 * it. Up to 3.10 the bytes depend on more than these flags. */
bool latin_letters_may_run(size_t len);

/* Whether other workers wait for such a source: while it is compiled nothing may be read that can make it wait. */
bool latin_letters_are_shared(void);

/* Before and after a source with such names is compiled and marshalled: no other worker marshals in between. */
void latin_letters_begin(void);
void latin_letters_end(void);

/* Before and after any other code is marshalled. */
void latin_letters_hold(void);
void latin_letters_release(void);
