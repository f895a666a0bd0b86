/* The form is that of r_object() and w_object() in CPython's Python/marshal.c. */
#include "cache/marshal_form.h"

/* The first minor versions whose streams have slices (marshal version 5) and frozendicts (6). */
#define SLICE_MINOR 14
#define FROZENDICT_MINOR 15

static const struct marshal_code_form form_3_9 = {6, 6, 1, 1};  /* code to cellvars; name; line table */
static const struct marshal_code_form form_3_11 = {5, 5, 2, 2}; /* code to kinds; name, qualname; two tables */

const struct marshal_code_form *marshal_code_form(unsigned minor) {
    return minor < 11 ? &form_3_9 : &form_3_11;
}

bool marshal_skip(struct marshal_cursor *cursor, size_t count) {
    if (count > cursor->len - cursor->at)
        return false;
    cursor->at += count;
    return true;
}

bool marshal_read_byte(struct marshal_cursor *cursor, uint8_t *byte) {
    if (cursor->at == cursor->len)
        return false;
    *byte = cursor->data[cursor->at++];
    return true;
}

bool marshal_read_word(struct marshal_cursor *cursor, uint32_t *word) {
    const uint8_t *s = cursor->data + cursor->at;
    if (!marshal_skip(cursor, 4))
        return false;
    *word = (uint32_t)s[0] | (uint32_t)s[1] << 8 | (uint32_t)s[2] << 16 | (uint32_t)s[3] << 24;
    return true;
}

bool marshal_is_interned(uint8_t type) {
    return type == MARSHAL_INTERNED || type == MARSHAL_ASCII_INTERNED || type == MARSHAL_SHORT_ASCII_INTERNED;
}

bool marshal_is_string(uint8_t type) {
    return marshal_is_interned(type) || type == MARSHAL_UNICODE || type == MARSHAL_ASCII || type == MARSHAL_SHORT_ASCII;
}

/* A run whose length stands before it in 8 or 32 bits. */
static bool skip_short(struct marshal_cursor *cursor) {
    uint8_t count;
    return marshal_read_byte(cursor, &count) && marshal_skip(cursor, count);
}

static bool skip_long(struct marshal_cursor *cursor) {
    uint32_t count;
    return marshal_read_word(cursor, &count) && count <= INT32_MAX && marshal_skip(cursor, count);
}

/* 15-bit digits, their number negative for a negative one. */
static bool skip_integer(struct marshal_cursor *cursor) {
    uint32_t count;
    if (!marshal_read_word(cursor, &count) || count == 0x80000000u)
        return false;
    return marshal_skip(cursor, 2 * (size_t)(count > INT32_MAX ? 0 - count : count));
}

static bool skip_text_complex(struct marshal_cursor *cursor) {
    if (!skip_short(cursor))
        return false;
    return skip_short(cursor);
}

static bool read_small_count(struct marshal_cursor *cursor, uint32_t *count) {
    uint8_t small;
    if (!marshal_read_byte(cursor, &small))
        return false;
    *count = small;
    return true;
}

static enum marshal_body leaf_if(bool read) {
    return read ? MARSHAL_BODY_LEAF : MARSHAL_BODY_INVALID;
}

static enum marshal_body parts_if(bool read) {
    return read ? MARSHAL_BODY_PARTS : MARSHAL_BODY_INVALID;
}

enum marshal_body marshal_read_body(struct marshal_cursor *cursor, uint8_t type, uint32_t *count) {
    switch (type) {
    case MARSHAL_NONE:
    case MARSHAL_FALSE:
    case MARSHAL_TRUE:
    case MARSHAL_STOP_ITERATION:
    case MARSHAL_ELLIPSIS:
        return MARSHAL_BODY_LEAF;
    case MARSHAL_INT:
        return leaf_if(marshal_skip(cursor, 4));
    case MARSHAL_INT64:
    case MARSHAL_BINARY_FLOAT:
        return leaf_if(marshal_skip(cursor, 8));
    case MARSHAL_BINARY_COMPLEX:
        return leaf_if(marshal_skip(cursor, 16));
    case MARSHAL_FLOAT:
    case MARSHAL_SHORT_ASCII:
    case MARSHAL_SHORT_ASCII_INTERNED:
        return leaf_if(skip_short(cursor));
    case MARSHAL_COMPLEX:
        return leaf_if(skip_text_complex(cursor));
    case MARSHAL_LONG:
        return leaf_if(skip_integer(cursor));
    case MARSHAL_BYTES:
    case MARSHAL_UNICODE:
    case MARSHAL_INTERNED:
    case MARSHAL_ASCII:
    case MARSHAL_ASCII_INTERNED:
        return leaf_if(skip_long(cursor));
    case MARSHAL_SMALL_TUPLE:
        return parts_if(read_small_count(cursor, count));
    case MARSHAL_TUPLE:
    case MARSHAL_LIST:
    case MARSHAL_SET:
    case MARSHAL_FROZENSET:
        return parts_if(marshal_read_word(cursor, count) && *count <= INT32_MAX);
    case MARSHAL_SLICE:
        *count = 3;
        return parts_if(cursor->minor >= SLICE_MINOR);
    case MARSHAL_DICT:
        return MARSHAL_BODY_PAIRS;
    case MARSHAL_FROZENDICT:
        return cursor->minor >= FROZENDICT_MINOR ? MARSHAL_BODY_PAIRS : MARSHAL_BODY_INVALID;
    case MARSHAL_CODE:
        return MARSHAL_BODY_CODE;
    default:
        return MARSHAL_BODY_INVALID;
    }
}
