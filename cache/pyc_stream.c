/* The format is that of r_object() and w_object() in CPython's Python/marshal.c. */
#include "cache/pyc_stream.h"

#include <string.h>

#include "base/python_version.h"
#include "base/utf8.h"

/* Set in a type byte: the object gets the next number, by which later ones refer to it. */
#define FLAG_REF 0x80u

/* The depth at which marshal itself stops. */
#define DEPTH_MAX 2000

#define SHORT_MAX 255

/* The first minor versions whose streams have slices (marshal version 5) and frozendicts (6). */
#define SLICE_MINOR 14
#define FROZENDICT_MINOR 15

enum type {
    TYPE_NULL = '0',
    TYPE_NONE = 'N',
    TYPE_FALSE = 'F',
    TYPE_TRUE = 'T',
    TYPE_STOP_ITERATION = 'S',
    TYPE_ELLIPSIS = '.',
    TYPE_INT = 'i',
    TYPE_INT64 = 'I',
    TYPE_FLOAT = 'f',
    TYPE_BINARY_FLOAT = 'g',
    TYPE_COMPLEX = 'x',
    TYPE_BINARY_COMPLEX = 'y',
    TYPE_LONG = 'l',
    TYPE_BYTES = 's',
    TYPE_UNICODE = 'u',
    TYPE_INTERNED = 't',
    TYPE_ASCII = 'a',
    TYPE_ASCII_INTERNED = 'A',
    TYPE_SHORT_ASCII = 'z',
    TYPE_SHORT_ASCII_INTERNED = 'Z',
    TYPE_REF = 'r',
    TYPE_SMALL_TUPLE = ')',
    TYPE_TUPLE = '(',
    TYPE_LIST = '[',
    TYPE_DICT = '{',
    TYPE_SET = '<',
    TYPE_FROZENSET = '>',
    TYPE_SLICE = ':',
    TYPE_FROZENDICT = '}',
    TYPE_CODE = 'c',
};

/* The layout of a code object: the number of 32-bit numbers at its start, then of objects before the file name, of
 * objects between it and the first line's number, and of objects after that. */
struct code_form {
    unsigned numbers, before_name, before_line, after_line;
};

static const struct code_form form_3_9 = {6, 6, 1, 1};  /* code to cellvars; name; line table */
static const struct code_form form_3_11 = {5, 5, 2, 2}; /* code to kinds; name, qualname; line and exception tables */

enum place {
    ELSEWHERE,
    FILE_NAME, /* where a code object has its co_filename */
};

struct reader {
    const uint8_t *data;
    size_t len, at;
    unsigned minor;
    unsigned depth;
    uint32_t refs; /* objects that have a number */
    bool found;    /* the name, which is the object `name_ref` if it has a number */
    bool numbered;
    bool bound;
    uint32_t name_ref;
    struct pyc_stream_name name;
};

static bool skip(struct reader *reader, size_t count) {
    if (count > reader->len - reader->at)
        return false;
    reader->at += count;
    return true;
}

static bool read_byte(struct reader *reader, uint8_t *byte) {
    if (reader->at == reader->len)
        return false;
    *byte = reader->data[reader->at++];
    return true;
}

static bool read_word(struct reader *reader, uint32_t *word) {
    const uint8_t *s = reader->data + reader->at;
    if (!skip(reader, 4))
        return false;
    *word = (uint32_t)s[0] | (uint32_t)s[1] << 8 | (uint32_t)s[2] << 16 | (uint32_t)s[3] << 24;
    return true;
}

static bool read_object(struct reader *reader, enum place place);

static bool read_objects(struct reader *reader, uint32_t count) {
    while (count-- > 0)
        if (!read_object(reader, ELSEWHERE))
            return false;
    return true;
}

/* A run whose length stands before it in 8 or 32 bits. */
static bool skip_short(struct reader *reader) {
    uint8_t count;
    return read_byte(reader, &count) && skip(reader, count);
}

static bool skip_long(struct reader *reader) {
    uint32_t count;
    return read_word(reader, &count) && count <= INT32_MAX && skip(reader, count);
}

/* 15-bit digits, their number negative for a negative one. */
static bool skip_integer(struct reader *reader) {
    uint32_t count;
    if (!read_word(reader, &count) || count == 0x80000000u)
        return false;
    return skip(reader, 2 * (size_t)(count > INT32_MAX ? 0 - count : count));
}

static bool read_small_tuple(struct reader *reader) {
    uint8_t count;
    return read_byte(reader, &count) && read_objects(reader, count);
}

static bool read_sequence(struct reader *reader) {
    uint32_t count;
    return read_word(reader, &count) && count <= INT32_MAX && read_objects(reader, count);
}

static bool read_dict(struct reader *reader) {
    while (reader->at < reader->len && reader->data[reader->at] != TYPE_NULL)
        if (!read_objects(reader, 2))
            return false;
    return skip(reader, 1);
}

static bool read_code(struct reader *reader) {
    const struct code_form *form = reader->minor < 11 ? &form_3_9 : &form_3_11;
    return skip(reader, 4 * (size_t)form->numbers) && read_objects(reader, form->before_name) &&
           read_object(reader, FILE_NAME) && read_objects(reader, form->before_line) && skip(reader, 4) &&
           read_objects(reader, form->after_line);
}

static bool is_string(uint8_t type) {
    return type == TYPE_UNICODE || type == TYPE_INTERNED || type == TYPE_ASCII || type == TYPE_ASCII_INTERNED ||
           type == TYPE_SHORT_ASCII || type == TYPE_SHORT_ASCII_INTERNED;
}

/* The rest of an object behind its type byte. */
static bool read_body(struct reader *reader, uint8_t type) {
    switch (type) {
    case TYPE_NONE:
    case TYPE_FALSE:
    case TYPE_TRUE:
    case TYPE_STOP_ITERATION:
    case TYPE_ELLIPSIS:
        return true;
    case TYPE_INT:
        return skip(reader, 4);
    case TYPE_INT64:
    case TYPE_BINARY_FLOAT:
        return skip(reader, 8);
    case TYPE_BINARY_COMPLEX:
        return skip(reader, 16);
    case TYPE_FLOAT:
        return skip_short(reader);
    case TYPE_COMPLEX:
        if (!skip_short(reader))
            return false;
        return skip_short(reader);
    case TYPE_LONG:
        return skip_integer(reader);
    case TYPE_SHORT_ASCII:
    case TYPE_SHORT_ASCII_INTERNED:
        return skip_short(reader);
    case TYPE_BYTES:
    case TYPE_UNICODE:
    case TYPE_INTERNED:
    case TYPE_ASCII:
    case TYPE_ASCII_INTERNED:
        return skip_long(reader);
    case TYPE_SMALL_TUPLE:
        return read_small_tuple(reader);
    case TYPE_TUPLE:
    case TYPE_LIST:
    case TYPE_SET:
    case TYPE_FROZENSET:
        return read_sequence(reader);
    case TYPE_DICT:
        return read_dict(reader);
    case TYPE_FROZENDICT:
        return reader->minor >= FROZENDICT_MINOR && read_dict(reader);
    case TYPE_SLICE:
        return reader->minor >= SLICE_MINOR && read_objects(reader, 3);
    case TYPE_CODE:
        return read_code(reader);
    default:
        return false;
    }
}

/* A file name that is written as a string. The first one is the name that is looked for. */
static void note_name(struct reader *reader, size_t start, bool numbered) {
    if (reader->found) {
        reader->bound = true;
        return;
    }
    reader->found = true;
    reader->numbered = numbered;
    reader->name_ref = reader->refs - 1; /* where it has a number, it is the last that was given */
    reader->name = (struct pyc_stream_name){.start = start, .end = reader->at};
}

/* A reference to the name must stand where a file name belongs, and nowhere else. */
static bool read_reference(struct reader *reader, enum place place) {
    uint32_t number;
    if (!read_word(reader, &number) || number >= reader->refs)
        return false;
    bool is_name = reader->found && reader->numbered && number == reader->name_ref;
    if (is_name != (place == FILE_NAME))
        reader->bound = true;
    return true;
}

static bool read_object(struct reader *reader, enum place place) {
    size_t start = reader->at;
    uint8_t byte;
    if (!read_byte(reader, &byte))
        return false;
    uint8_t type = byte & (uint8_t)~FLAG_REF;
    bool numbered = (byte & FLAG_REF) != 0;
    if (type == TYPE_REF)
        return !numbered && read_reference(reader, place);
    if (place == FILE_NAME && !is_string(type))
        return false;
    if (numbered && reader->refs++ == INT32_MAX) /* an object gets its number before the objects that it contains */
        return false;
    if (++reader->depth > DEPTH_MAX || !read_body(reader, type))
        return false;
    reader->depth--;
    if (place == FILE_NAME)
        note_name(reader, start, numbered);
    return true;
}

enum pyc_stream_status pyc_stream_find_name(const void *stream, size_t len, unsigned minor,
                                            struct pyc_stream_name *name) {
    struct reader reader = {.data = stream, .len = len, .minor = minor};
    if (minor < PYTHON_MINOR_OLDEST || minor > PYTHON_MINOR_NEWEST || len == 0 ||
        (reader.data[0] & ~FLAG_REF) != TYPE_CODE || !read_object(&reader, ELSEWHERE) || reader.at != len)
        return PYC_STREAM_INVALID;
    if (reader.bound)
        return PYC_STREAM_BOUND;
    *name = reader.name;
    return PYC_STREAM_FOUND;
}

/* Appends the text as UTF-8 in which surrogates are like other characters: an undecodable byte 0xNN
 * is one, U+DCNN. Returns the number of characters. */
static size_t pyc_stream_append_text(const char *text, struct buffer *out) {
    size_t characters = 0;
    for (const char *s = text, *end = text + strlen(text); s < end; characters++) {
        size_t len = utf8_sequence(s, end);
        if (len > 0) {
            buffer_append(out, s, len);
            s += len;
        } else {
            unsigned code = 0xdc00u + (unsigned char)*s++;
            buffer_append_char(out, (char)0xed);
            buffer_append_char(out, (char)(0x80 | ((code >> 6) & 0x3f)));
            buffer_append_char(out, (char)(0x80 | (code & 0x3f)));
        }
    }
    return characters;
}

static void append_word(struct buffer *out, size_t word) {
    for (int i = 0; i < 4; i++)
        buffer_append_char(out, (char)(word >> (8 * i)));
}

bool pyc_stream_encode_name(const char *name, uint8_t type, struct buffer *out) {
    uint8_t old = type & (uint8_t)~FLAG_REF;
    bool interned = old == TYPE_INTERNED || old == TYPE_ASCII_INTERNED || old == TYPE_SHORT_ASCII_INTERNED;
    struct buffer text = {0};
    size_t characters = pyc_stream_append_text(name, &text);
    bool fine = characters > 1 && text.len <= INT32_MAX;
    if (fine) {
        bool ascii = characters == text.len, is_short = ascii && text.len <= SHORT_MAX;
        int form = is_short ? (interned ? TYPE_SHORT_ASCII_INTERNED : TYPE_SHORT_ASCII)
                   : ascii  ? (interned ? TYPE_ASCII_INTERNED : TYPE_ASCII)
                            : (interned ? TYPE_INTERNED : TYPE_UNICODE);
        buffer_append_char(out, (char)(form | (type & FLAG_REF)));
        if (is_short)
            buffer_append_char(out, (char)text.len);
        else
            append_word(out, text.len);
        buffer_append(out, text.data, text.len);
    }
    buffer_deinit(&text);
    return fine;
}

bool pyc_stream_name_is(const void *stream, const struct pyc_stream_name *place, const char *name) {
    const uint8_t *data = stream;
    struct buffer text = {0};
    bool same = pyc_stream_encode_name(name, data[place->start], &text) && text.len == place->end - place->start &&
                memcmp(text.data, data + place->start, text.len) == 0;
    buffer_deinit(&text);
    return same;
}

/* Whether a string of that text (in the form of pyc_stream_encode_name()) stands anywhere but at
 * *place. Where CPython interns file names (3.13), an identifier or qualified name of the same text
 * is the same object. */
static bool occurs_elsewhere(const uint8_t *data, size_t len, const struct pyc_stream_name *place,
                             const struct buffer *text) {
    const char *wanted = text->data + 1; /* of whatever type: length and characters tell */
    size_t wanted_len = text->len - 1;
    return memmem(data, place->start, wanted, wanted_len) != NULL ||
           memmem(data + place->end, len - place->end, wanted, wanted_len) != NULL;
}

bool pyc_stream_splice(const void *stream, size_t len, const struct pyc_stream_name *place, const char *name,
                       struct buffer *out) {
    const uint8_t *data = stream;
    struct buffer text = {0};
    bool fine = pyc_stream_encode_name(name, data[place->start], &text) && !occurs_elsewhere(data, len, place, &text);
    if (fine) {
        buffer_reserve(out, len + text.len);
        buffer_append(out, data, place->start);
        buffer_append(out, text.data, text.len);
        buffer_append(out, data + place->end, len - place->end);
    }
    buffer_deinit(&text);
    return fine;
}
