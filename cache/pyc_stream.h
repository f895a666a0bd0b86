/* The marshal stream of a .pyc: finding the file name of its code, and replacing it by another name. No Python here.
 *
 * All code objects of a module share one file name. The first code object in the stream holds it as a string; the
 * others refer to that string by its number. So replacing one string gives the stream of a compile under the other
 * name. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* Bytes [start, end) of a stream: the type byte, the length and the text of the file name. */
struct pyc_stream_name {
    size_t start, end;
};

enum pyc_stream_status {
    PYC_STREAM_FOUND,
    PYC_STREAM_BOUND,   /* well-formed, but no single string is the file name and nothing else */
    PYC_STREAM_INVALID, /* not a stream of one code object, or of a form that is not known */
};

/* Reads the stream of CPython 3.MINOR, which may be any bytes; versions outside PYTHON_MINOR_OLDEST to
 * PYTHON_MINOR_NEWEST (base/python_version.h) are PYC_STREAM_INVALID. Sets *name if a single string is the
 * co_filename of every code object, and is used for nothing else. */
enum pyc_stream_status pyc_stream_find_name(const void *stream, size_t len, unsigned minor,
                                            struct pyc_stream_name *name);

/* Whether `name` (bytes of the file system) can stand in place of the string whose type byte is `type`; if so, appends
 * it in the form that CPython chooses for that text, interned and numbered as the old string is. A name of a single
 * character cannot: it is one object for all of an interpreter, shared with constants and identifiers. */
bool pyc_stream_encode_name(const char *name, uint8_t type, struct buffer *out);

/* Whether the string at *place is `name` in the form that pyc_stream_encode_name() gives it. */
bool pyc_stream_name_is(const void *stream, const struct pyc_stream_name *place, const char *name);

/* Whether the stream with `name` in place of the string at *place is certainly what compiling gives; if so, appends it.
 * It is not certain where pyc_stream_encode_name() returns false, and where another string of the stream has the text
 * `name`, since both may be one object then. */
bool pyc_stream_splice(const void *stream, size_t len, const struct pyc_stream_name *place, const char *name,
                       struct buffer *out);
