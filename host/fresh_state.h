/* What is alive in a fresh `python -m py_compile` while it compiles.
 *
 * marshal marks a string for reuse by its reference count (cpython issue 129724), so names that a fresh interpreter
 * happens to hold change the bytes: neither fewer nor more may be alive here. */
#pragma once

#include <stdbool.h>

/* Imports and makes just that, for good, in the calling thread's interpreter. Returns false with an exception set. */
bool fresh_state_make(void);
