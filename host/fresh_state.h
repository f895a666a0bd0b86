/* The state of a fresh `python -m py_compile` when it compiles: the imported modules and the objects that are alive.
 *
 * marshal marks a string for reuse by its reference count (cpython issue 129724), so the names that a fresh interpreter
 * happens to hold change the bytes. Exactly these must be alive here. */
#pragma once

#include <stdbool.h>

/* Brings the calling thread's interpreter into that state, for good. Returns false with an exception set on failure. */
bool fresh_state_make(void);
