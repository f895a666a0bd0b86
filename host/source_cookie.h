/* The encoding of a source as Python's tokenize finds it for linecache (PEP 263), to the letter, in a source that has
 * no byte order mark. The compiler reads the declaration by rules of its own; a guess that errs is source_scan.h's. No
 * Python here. */
#pragma once

#include <stddef.h>

enum source_cookie {
    SOURCE_COOKIE_UTF8,    /* nothing is declared, or UTF-8 */
    SOURCE_COOKIE_NAMED,   /* an encoding whose codec reads the whole at once as it reads pieces of it */
    SOURCE_COOKIE_BROKEN,  /* a line in which the declaration could stand is no UTF-8: linecache gives up */
    SOURCE_COOKIE_UNKNOWN, /* any other encoding */
};

/* Long enough for every encoding that is named, with its zero. */
#define SOURCE_COOKIE_SIZE 16

/* For SOURCE_COOKIE_NAMED, `name` is the encoding. */
enum source_cookie source_cookie_find(const char *data, size_t len, char name[SOURCE_COOKIE_SIZE]);
