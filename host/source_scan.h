/* What can be told of a source by its bytes, without compiling it. No Python here. All may err on the side that is
 * said; they look at most at every byte once or twice. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether names in it may be, once normalised, of one letter of U+0080 to U+00FF. Errs towards true: what it cannot
 * read (another encoding than UTF-8 or ASCII, a formatted string that is not closed) may hold such names. `nested`:
 * fields of formatted strings may hold the quote that they stand in (PEP 701). */
bool source_scan_has_latin_name(const char *data, size_t len, bool nested);

/* Whether it seems to have equal sets of constants in two scopes, as they are in `x in {'a', 'b'}` and in displays of
 * three and more. A guess. */
bool source_scan_has_equal_sets(const char *data, size_t len);
