/* Guesses about a source from its bytes, without compiling it. No Python here. Each function says in which direction it
 * may err. Each looks at every byte at most twice. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The encoding of a source by its declaration (PEP 263). */
enum source_encoding {
    SOURCE_ENCODING_DEFAULT, /* nothing is declared: UTF-8 */
    SOURCE_ENCODING_UTF8,    /* declared as utf-8, utf8 or utf_8 */
    SOURCE_ENCODING_OTHER,   /* any other word is declared */
};

/* Errs towards a declaration: it takes for one what looks like one anywhere in the first two lines. */
enum source_encoding source_scan_encoding(const char *data, size_t len);

/* Whether names in it may be, once normalised, of one letter of U+0080 to U+00FF. Errs towards true: what it cannot
 * read (another encoding than UTF-8 or ASCII, a formatted string that is not closed) may hold such names. `nested`:
 * fields of formatted strings may hold the quote that they stand in (PEP 701). */
bool source_scan_has_latin_name(const char *data, size_t len, bool nested);

/* Whether names in it may be other than ASCII. Errs as source_scan_has_latin_name() does. */
bool source_scan_has_other_name(const char *data, size_t len, bool nested);

/* Whether it seems to have equal sets of constants in two scopes, as they are in `x in {'a', 'b'}` and in displays of
 * three and more. A guess. */
bool source_scan_has_equal_sets(const char *data, size_t len);
