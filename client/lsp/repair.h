/* JSON texts whose strings hold what JSON texts of pycompiled must not: an editor sends what is in the buffer, and its
 * edits must not be lost. Pure. */
#pragma once

#include "base/buffer.h"

/* Appends the text, with in its strings U+0001 for \u0000, U+FFFD for a lone surrogate that stands for no byte, and
 * \udcNN for a byte NN that is not UTF-8. In no encoding that positions count in does a length change, but that an
 * invalid byte's is one. Outside of strings nothing is changed. */
void repair_json(const char *text, size_t len, struct buffer *out);
