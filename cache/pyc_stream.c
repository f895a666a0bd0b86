/* Walks the stream as r_object() in CPython's Python/marshal.c does, and keeps nothing but the numbers of objects. */
#include "cache/pyc_stream.h"

#include <string.h>

#include "base/python_version.h"
#include "base/utf8.h"
#include "cache/marshal_form.h"

enum place {
    ELSEWHERE,
    FILE_NAME, /* where a code object has its co_filename */
};

struct reader {
    struct marshal_cursor cursor;
    unsigned depth;
    uint32_t refs; /* objects that have a number */
    bool found;    /* the name, which is the object `name_ref` if it has a number */
    bool numbered;
    bool bound;
    uint32_t name_ref;
    struct pyc_stream_name name;
};

static bool read_object(struct reader *reader, enum place place);

static bool read_objects(struct reader *reader, uint32_t count) {
    while (count-- > 0)
        if (!read_object(reader, ELSEWHERE))
            return false;
    return true;
}

static bool read_pairs(struct reader *reader) {
    const struct marshal_cursor *cursor = &reader->cursor;
    while (cursor->at < cursor->len && cursor->data[cursor->at] != MARSHAL_NULL)
        if (!read_objects(reader, 2))
            return false;
    return marshal_skip(&reader->cursor, 1);
}

static bool read_code(struct reader *reader) {
    struct marshal_cursor *cursor = &reader->cursor;
    const struct marshal_code_form *form = marshal_code_form(cursor->minor);
    return marshal_skip(cursor, 4 * (size_t)form->numbers) && read_objects(reader, form->before_name) &&
           read_object(reader, FILE_NAME) && read_objects(reader, form->before_line) && marshal_skip(cursor, 4) &&
           read_objects(reader, form->after_line);
}

/* The rest of an object behind its type byte. */
static bool read_body(struct reader *reader, uint8_t type) {
    uint32_t count = 0;
    switch (marshal_read_body(&reader->cursor, type, &count)) {
    case MARSHAL_BODY_LEAF:
        return true;
    case MARSHAL_BODY_PARTS:
        return read_objects(reader, count);
    case MARSHAL_BODY_PAIRS:
        return read_pairs(reader);
    case MARSHAL_BODY_CODE:
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
    reader->name = (struct pyc_stream_name){.start = start, .end = reader->cursor.at};
}

/* A reference to the name must stand where a file name belongs, and nowhere else. */
static bool read_reference(struct reader *reader, enum place place) {
    uint32_t number;
    if (!marshal_read_word(&reader->cursor, &number) || number >= reader->refs)
        return false;
    bool is_name = reader->found && reader->numbered && number == reader->name_ref;
    if (is_name != (place == FILE_NAME))
        reader->bound = true;
    return true;
}

static bool read_object(struct reader *reader, enum place place) {
    size_t start = reader->cursor.at;
    uint8_t byte;
    if (!marshal_read_byte(&reader->cursor, &byte))
        return false;
    uint8_t type = byte & (uint8_t)~MARSHAL_FLAG_REF;
    bool numbered = (byte & MARSHAL_FLAG_REF) != 0;
    if (type == MARSHAL_REF)
        return !numbered && read_reference(reader, place);
    if (place == FILE_NAME && !marshal_is_string(type))
        return false;
    if (numbered && reader->refs++ == INT32_MAX) /* an object gets its number before the objects that it contains */
        return false;
    if (++reader->depth > MARSHAL_DEPTH_MAX || !read_body(reader, type))
        return false;
    reader->depth--;
    if (place == FILE_NAME)
        note_name(reader, start, numbered);
    return true;
}

enum pyc_stream_status pyc_stream_find_name(const void *stream, size_t len, unsigned minor,
                                            struct pyc_stream_name *name) {
    struct reader reader = {.cursor = {.data = stream, .len = len, .minor = minor}};
    if (minor < PYTHON_MINOR_OLDEST || minor > PYTHON_MINOR_NEWEST || len == 0 ||
        (reader.cursor.data[0] & ~MARSHAL_FLAG_REF) != MARSHAL_CODE || !read_object(&reader, ELSEWHERE) ||
        reader.cursor.at != len)
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
    uint8_t old = type & (uint8_t)~MARSHAL_FLAG_REF;
    bool interned = marshal_is_interned(old);
    struct buffer text = {0};
    size_t characters = pyc_stream_append_text(name, &text);
    bool fine = characters > 1 && text.len <= INT32_MAX;
    if (fine) {
        bool ascii = characters == text.len, is_short = ascii && text.len <= MARSHAL_SHORT_MAX;
        int form = is_short ? (interned ? MARSHAL_SHORT_ASCII_INTERNED : MARSHAL_SHORT_ASCII)
                   : ascii  ? (interned ? MARSHAL_ASCII_INTERNED : MARSHAL_ASCII)
                            : (interned ? MARSHAL_INTERNED : MARSHAL_UNICODE);
        buffer_append_char(out, (char)(form | (type & MARSHAL_FLAG_REF)));
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
