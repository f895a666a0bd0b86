/* The canonical form of a .pyc's marshal stream. Equal code has one canonical form, whatever build, architecture or
 * past of the interpreter wrote the stream. Every CPython of that minor version loads it. No Python here.
 *
 * What marshal writes depends on which of an interpreter's objects happen to be one: a reference count decides about
 * FLAG_REF, and an earlier module about what is interned. The canonical form follows rules about values instead:
 *
 *   - Equal values (of one type, with equal bytes and equal parts) are one object. Its first occurrence has FLAG_REF if
 *     another one follows, and only then; each later occurrence is a reference. None, True, False, Ellipsis and
 *     StopIteration, which take one byte, are never references.
 *   - Objects are numbered in the order of their first bytes.
 *   - A string is marked as interned by its place and text, as a fresh interpreter of that version does it (see
 *     canonical_interns()).
 *   - The elements of a set stand in the order of their own canonical bytes without FLAG_REF.
 *
 * These are the rules of Fedora's add-determinism 0.7, by its source, and rules for interned strings and for sets,
 * which it has not. The two programs were not compared.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/* Where a string stands. */
enum canonical_place {
    CANONICAL_CONSTANT,
    CANONICAL_NAME, /* in the tuples of names and of local variables */
    CANONICAL_FILE_NAME,
    CANONICAL_CODE_NAME,
    CANONICAL_QUALIFIED_NAME, /* also that constant of a class's code */
    CANONICAL_PLACES,
};

/* Whether a fresh interpreter of 3.MINOR interns a string at that place: names always; file names and qualified names
 * from 3.13 on; names of code up to 3.10 and from 3.13 on; and everywhere but as a file name a text of nothing but
 * ASCII letters, digits and underscores, from 3.13 on any single character below U+0100. `text` is UTF-8. */
bool canonical_interns(unsigned minor, enum canonical_place place, const char *text, size_t len);

/* Appends the canonical form of the stream of one code object of CPython 3.MINOR. Returns false, and appends nothing,
 * if it is not such a stream, or one with more than MARSHAL_DEPTH_MAX levels. Takes time and memory in proportion to
 * the stream; sets add the sorting of their elements. */
bool canonical_stream(const void *stream, size_t len, unsigned minor, struct buffer *out);
