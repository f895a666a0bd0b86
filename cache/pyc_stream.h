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
    PYC_STREAM_BOUND,   /* well-formed, but the name is not one string that serves as file name alone
                         */
    PYC_STREAM_INVALID, /* not a stream of one code object, or of a form that is not known */
};

/* Reads the stream of CPython 3.MINOR (9 to 14), which may be any bytes. Sets *name where the file
 * name is one string that every code object has as its co_filename and that is nothing else. */
enum pyc_stream_status pyc_stream_find_name(const void *stream, size_t len, unsigned minor,
                                            struct pyc_stream_name *name);

/* Appends `name` (file-system bytes) as the stream holds it in place of the string whose type byte
 * is `type`: in the form that CPython chooses for that text, as much interned and as much referred
 * to as the old one. Returns false and appends nothing where the form depends on more than the
 * text: a single character is one object for all of an interpreter, which constants and identifiers
 * share. */
bool pyc_stream_encode_name(const char *name, uint8_t type, struct buffer *out);

/* Whether the string at *place is `name` in the form that pyc_stream_encode_name() gives it. */
bool pyc_stream_name_is(const void *stream, const struct pyc_stream_name *place, const char *name);

/* Appends the stream with `name` for the string at *place. Returns false and appends nothing where
 * the outcome may not be what compiling gives: as pyc_stream_encode_name() does, and where `name`
 * is the text of another string of the stream, which may then be the same object. */
bool pyc_stream_splice(const void *stream, size_t len, const struct pyc_stream_name *place, const char *name,
                       struct buffer *out);
