/* File names as Python's str objects, made by os.fsdecode(): repr(), comparison, join, strip. */
#pragma once

#include "base/buffer.h"

/* Appends repr() of the name. */
void python_text_repr(struct buffer *out, const char *name);

/* Compares by code points, as str objects do; a byte that is not UTF-8 counts as U+DC80 to U+DCFF. Returns less
 * than, equal to or more than 0. */
int python_text_compare(const char *a, const char *b);

/* os.path.join(a, b); the caller frees. */
char *python_text_join(const char *a, const char *b);

/* Removes white space at both ends, as str.strip() does: moves *text forward and returns the remaining length. */
size_t python_text_strip(const char **text);
