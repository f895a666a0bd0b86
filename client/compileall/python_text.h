/* File names as Python has them: str objects that os.fsdecode() made of their bytes. */
#pragma once

#include "base/buffer.h"

/* Appends repr() of the name. */
void python_text_repr(struct buffer *out, const char *name);

/* Compares as str objects compare: by code points, a byte that is not UTF-8 being U+DC80 to U+DCFF. Returns less
 * than, equal to or more than 0. */
int python_text_compare(const char *a, const char *b);

/* os.path.join(a, b); the caller frees. */
char *python_text_join(const char *a, const char *b);

/* Removes what str.strip() removes at both ends: moves *text forward and returns the length that is left. */
size_t python_text_strip(const char **text);
