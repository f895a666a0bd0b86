/* The form of a marshal stream of CPython 3.9 to 3.15: type bytes, lengths, and the layout of a code object. A cursor
 * reads it piece by piece; what the pieces mean is for the callers. No Python here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Set in a type byte: the object gets the next number, by which later ones refer to it. */
#define MARSHAL_FLAG_REF 0x80u

/* The depth at which marshal itself stops. */
#define MARSHAL_DEPTH_MAX 2000

/* The longest string whose length takes one byte; the longest tuple, too. */
#define MARSHAL_SHORT_MAX 255

enum marshal_type {
    MARSHAL_NULL = '0',
    MARSHAL_NONE = 'N',
    MARSHAL_FALSE = 'F',
    MARSHAL_TRUE = 'T',
    MARSHAL_STOP_ITERATION = 'S',
    MARSHAL_ELLIPSIS = '.',
    MARSHAL_INT = 'i',
    MARSHAL_INT64 = 'I',
    MARSHAL_FLOAT = 'f',
    MARSHAL_BINARY_FLOAT = 'g',
    MARSHAL_COMPLEX = 'x',
    MARSHAL_BINARY_COMPLEX = 'y',
    MARSHAL_LONG = 'l',
    MARSHAL_BYTES = 's',
    MARSHAL_UNICODE = 'u',
    MARSHAL_INTERNED = 't',
    MARSHAL_ASCII = 'a',
    MARSHAL_ASCII_INTERNED = 'A',
    MARSHAL_SHORT_ASCII = 'z',
    MARSHAL_SHORT_ASCII_INTERNED = 'Z',
    MARSHAL_REF = 'r',
    MARSHAL_SMALL_TUPLE = ')',
    MARSHAL_TUPLE = '(',
    MARSHAL_LIST = '[',
    MARSHAL_DICT = '{',
    MARSHAL_SET = '<',
    MARSHAL_FROZENSET = '>',
    MARSHAL_SLICE = ':',
    MARSHAL_FROZENDICT = '}',
    MARSHAL_CODE = 'c',
};

/* The layout of a code object: the number of 32-bit numbers at its start, then of objects before the file name, of
 * objects between it and the first line's number, and of objects after that. */
struct marshal_code_form {
    unsigned numbers, before_name, before_line, after_line;
};

/* Position `at` in the bytes [data, data + len), which are borrowed, of a stream of CPython 3.MINOR. */
struct marshal_cursor {
    const uint8_t *data;
    size_t len, at;
    unsigned minor;
};

/* Of 3.MINOR. */
const struct marshal_code_form *marshal_code_form(unsigned minor);

/* Each moves the cursor behind what it reads, and returns false where the stream ends before that. */
bool marshal_skip(struct marshal_cursor *cursor, size_t count);
bool marshal_read_byte(struct marshal_cursor *cursor, uint8_t *byte);
bool marshal_read_word(struct marshal_cursor *cursor, uint32_t *word);

/* Whether that type is a str, and whether it is one that is interned. */
bool marshal_is_string(uint8_t type);
bool marshal_is_interned(uint8_t type);

/* How the body behind a type byte goes on. */
enum marshal_body {
    MARSHAL_BODY_INVALID, /* the type is not known in this version, or the stream ends */
    MARSHAL_BODY_LEAF,    /* it is behind the cursor now: there are no parts */
    MARSHAL_BODY_PARTS,   /* *count objects follow */
    MARSHAL_BODY_PAIRS,   /* keys and values follow, then MARSHAL_NULL in place of a key */
    MARSHAL_BODY_CODE,    /* a code object in its layout follows */
};

/* Reads the body of an object of that type (without MARSHAL_FLAG_REF; not MARSHAL_REF) as far as it is no object
 * itself. */
enum marshal_body marshal_read_body(struct marshal_cursor *cursor, uint8_t type, uint32_t *count);
