/* Guesses about a source from its bytes, without compiling it. No Python here. Each function says in which direction it
 * may err. Each looks at every byte at most twice. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether a name in the source may be, after normalisation, a single letter from U+0080 to U+00FF. Errs towards true: a
 * part that it cannot read (an encoding other than UTF-8 and ASCII, a formatted string that is not closed) may hold
 * such names. `nested`: fields of formatted strings may hold the quote of the string itself (PEP 701). */
bool source_scan_has_latin_name(const char *data, size_t len, bool nested);

/* Whether the source seems to have equal sets of constants in two scopes, as in `x in {'a', 'b'}` and in displays of
 * three and more elements. Errs in both directions. */
bool source_scan_has_equal_sets(const char *data, size_t len);
