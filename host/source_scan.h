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

/* The encoding that the source declares. Errs towards a declaration: anything in the first two lines that looks like
 * one counts. */
enum source_encoding source_scan_encoding(const char *data, size_t len);

/* Whether a name in the source may be, after normalisation, a single letter from U+0080 to U+00FF. Errs towards
 * true: a part that it cannot read (an encoding other than UTF-8 and ASCII, a formatted string that is not closed)
 * may hold such names. `nested`: fields of formatted strings may hold the quote of the string itself (PEP 701). */
bool source_scan_has_latin_name(const char *data, size_t len, bool nested);

/* Whether a name in the source may have characters that are not ASCII. Errs like source_scan_has_latin_name(). */
bool source_scan_has_other_name(const char *data, size_t len, bool nested);

/* Whether the source seems to have equal sets of constants in two scopes, as in `x in {'a', 'b'}` and in displays of
 * three and more elements. Errs in both directions. */
bool source_scan_has_equal_sets(const char *data, size_t len);
