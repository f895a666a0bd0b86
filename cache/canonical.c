/* The nodes of the stream become values, of which equal ones are one; the values are written. */
#include "cache/canonical.h"

#include <stdlib.h>
#include <string.h>

#include "base/python_version.h"
#include "cache/canonical_nodes.h"
#include "cache/canonical_values.h"
#include "cache/marshal_form.h"

struct form {
    struct canonical_nodes nodes;
    struct canonical_values values;
    uint32_t (*memory)[CANONICAL_PLACES]; /* of each node: its value at that place; one more than the index, or 0 */
    struct buffer *out;
    struct buffer references; /* of size_t: where the index of a value stands in place of its number */
};

static unsigned minor_of(const struct form *form) {
    return form->nodes.cursor.minor;
}

static const uint8_t *body_of(const struct form *form, const struct canonical_node *node) {
    return form->nodes.cursor.data + node->body;
}

static bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool has_name_characters_only(const char *text, size_t len) {
    while (len > 0 && is_name_character(text[len - 1]))
        len--;
    return len == 0;
}

/* U+0080 to U+00FF begin with the bytes C2 and C3 in UTF-8. */
static bool is_latin_character(const char *text, size_t len) {
    return len == 1 || (len == 2 && ((unsigned char)text[0] == 0xc2 || (unsigned char)text[0] == 0xc3));
}

bool canonical_interns(unsigned minor, enum canonical_place place, const char *text, size_t len) {
    bool interns_all_names = minor >= 13;
    switch (place) {
    case CANONICAL_NAME:
        return true;
    case CANONICAL_CODE_NAME:
        if (interns_all_names || minor <= 10)
            return true;
        break;
    case CANONICAL_FILE_NAME: /* not by its text, since another name may take its place (cache/pyc_stream.h) */
        return interns_all_names;
    case CANONICAL_QUALIFIED_NAME:
        if (interns_all_names)
            return true;
        break;
    default:
        break;
    }
    return has_name_characters_only(text, len) || (interns_all_names && is_latin_character(text, len));
}

static uint8_t string_type(uint8_t type, bool is_interned) {
    switch (type) {
    case MARSHAL_SHORT_ASCII:
    case MARSHAL_SHORT_ASCII_INTERNED:
        return is_interned ? MARSHAL_SHORT_ASCII_INTERNED : MARSHAL_SHORT_ASCII;
    case MARSHAL_ASCII:
    case MARSHAL_ASCII_INTERNED:
        return is_interned ? MARSHAL_ASCII_INTERNED : MARSHAL_ASCII;
    default:
        return is_interned ? MARSHAL_INTERNED : MARSHAL_UNICODE;
    }
}

static bool has_same_text(const struct form *form, const struct canonical_node *a, const struct canonical_node *b) {
    size_t len, other_len;
    const char *text = canonical_node_text(&form->nodes, a, &len),
               *other = canonical_node_text(&form->nodes, b, &other_len);
    return len == other_len && memcmp(text, other, len) == 0;
}

static uint32_t value_of_node(struct form *form, uint32_t index, enum canonical_place place);

static uint32_t value_of_string(struct form *form, const struct canonical_node *node, enum canonical_place place) {
    size_t len;
    const char *text = canonical_node_text(&form->nodes, node, &len);
    uint8_t type = string_type(node->type, canonical_interns(minor_of(form), place, text, len));
    return canonical_values_add(&form->values, type, body_of(form, node), node->body_len, NULL, 0);
}

static int compare_parts(const void *a, const void *b, void *values) {
    return canonical_values_compare(values, *(const uint32_t *)a, *(const uint32_t *)b);
}

/* Any value but a string and a code object; `parts` are its values. */
static uint32_t add_value(struct form *form, const struct canonical_node *node, uint32_t *parts) {
    if (node->type == MARSHAL_SET || node->type == MARSHAL_FROZENSET)
        qsort_r(parts, node->count, sizeof *parts, compare_parts, &form->values);
    return canonical_values_add(&form->values, node->type, body_of(form, node), node->body_len, parts, node->count);
}

static uint32_t *values_of_parts(struct form *form, const struct canonical_node *node, enum canonical_place place) {
    uint32_t *parts = xcalloc((size_t)node->count + 1, sizeof *parts);
    for (uint32_t i = 0; i < node->count; i++)
        parts[i] = value_of_node(form, canonical_node_part(&form->nodes, node, i), place);
    return parts;
}

/* The constants of a code object. A class's code holds its qualified name among them, which is that very object. */
static uint32_t value_of_constants(struct form *form, const struct canonical_node *constants,
                                   const struct canonical_node *qualified_name) {
    uint32_t *parts = values_of_parts(form, constants, CANONICAL_CONSTANT);
    for (uint32_t i = 0; i < constants->count; i++) {
        uint32_t index = canonical_node_part(&form->nodes, constants, i);
        const struct canonical_node *part = canonical_node_at(&form->nodes, index);
        if (marshal_is_string(part->type) && has_same_text(form, part, qualified_name))
            parts[i] = value_of_node(form, index, CANONICAL_QUALIFIED_NAME);
    }
    uint32_t value = add_value(form, constants, parts);
    free(parts);
    return value;
}

/* The order of a code object's parts: bytecode, constants, tuples of names and of kinds, file name, name, (from 3.11
 * on) qualified name, and tables. */
#define CONSTANTS 1

static enum canonical_place place_of_part(const struct marshal_code_form *code, uint32_t i) {
    if (i > CONSTANTS && i < code->before_name)
        return CANONICAL_NAME; /* kinds are bytes, for which the place is all one */
    if (i == code->before_name)
        return CANONICAL_FILE_NAME;
    if (i == code->before_name + 1)
        return CANONICAL_CODE_NAME;
    return i == code->before_name + 2 && code->before_line == 2 ? CANONICAL_QUALIFIED_NAME : CANONICAL_CONSTANT;
}

static const struct canonical_node *part_of(const struct form *form, const struct canonical_node *node, uint32_t i) {
    return canonical_node_at(&form->nodes, canonical_node_part(&form->nodes, node, i));
}

static uint32_t value_of_code(struct form *form, const struct canonical_node *node) {
    const struct marshal_code_form *code = marshal_code_form(minor_of(form));
    const struct canonical_node *constants = part_of(form, node, CONSTANTS);
    const struct canonical_node *last_name = part_of(form, node, code->before_name + code->before_line);
    uint32_t *parts = xcalloc(node->count, sizeof *parts);
    for (uint32_t i = 0; i < node->count; i++) {
        bool may_hold_name = i == CONSTANTS && constants->type != MARSHAL_CODE && code->before_line == 2;
        parts[i] = may_hold_name && marshal_is_string(last_name->type)
                       ? value_of_constants(form, constants, last_name)
                       : value_of_node(form, canonical_node_part(&form->nodes, node, i), place_of_part(code, i));
    }
    struct buffer body = {0};
    buffer_append(&body, body_of(form, node), node->body_len);
    buffer_append(&body, form->nodes.cursor.data + node->line, 4);
    uint32_t value = canonical_values_add(&form->values, node->type, body.data, body.len, parts, node->count);
    buffer_deinit(&body);
    free(parts);
    return value;
}

static uint32_t value_of_node(struct form *form, uint32_t index, enum canonical_place place) {
    const struct canonical_node *node = canonical_node_at(&form->nodes, index);
    if (form->memory[index][place] > 0)
        return form->memory[index][place] - 1;
    uint32_t value;
    if (marshal_is_string(node->type)) {
        value = value_of_string(form, node, place);
    } else if (node->type == MARSHAL_CODE) {
        value = value_of_code(form, node);
    } else {
        uint32_t *parts = values_of_parts(form, node, place == CANONICAL_NAME ? place : CANONICAL_CONSTANT);
        value = add_value(form, node, parts);
        free(parts);
    }
    form->memory[index][place] = value + 1;
    return value;
}

/* --- Values are written. --- */

static bool takes_one_byte(uint8_t type) {
    return type == MARSHAL_NONE || type == MARSHAL_TRUE || type == MARSHAL_FALSE || type == MARSHAL_ELLIPSIS ||
           type == MARSHAL_STOP_ITERATION;
}

static void write_word(struct buffer *out, uint32_t word) {
    for (int i = 0; i < 4; i++)
        buffer_append_char(out, (char)(word >> (8 * i)));
}

/* A reference holds the value's index until the values have their numbers. */
static void write_reference(struct form *form, uint32_t index) {
    canonical_value_at(&form->values, index)->is_referenced = true;
    buffer_append_char(form->out, MARSHAL_REF);
    buffer_append(&form->references, &form->out->len, sizeof form->out->len);
    write_word(form->out, index);
}

static void write_value(struct form *form, uint32_t index);

static void write_value_parts(struct form *form, const struct canonical_value *value, uint32_t first, uint32_t end) {
    for (uint32_t i = first; i < end; i++)
        write_value(form, canonical_value_part(&form->values, value, i));
}

static void write_code(struct form *form, const struct canonical_value *value) {
    const struct marshal_code_form *code = marshal_code_form(minor_of(form));
    const char *body = canonical_value_body(&form->values, value);
    uint32_t before_line = code->before_name + 1 + code->before_line;
    buffer_append(form->out, body, value->body_len - 4);
    write_value_parts(form, value, 0, before_line);
    buffer_append(form->out, body + value->body_len - 4, 4);
    write_value_parts(form, value, before_line, value->count);
}

static void write_value(struct form *form, uint32_t index) {
    struct canonical_value *value = canonical_value_at(&form->values, index);
    uint8_t type = canonical_value_type(&form->values, value);
    if (value->is_written) {
        write_reference(form, index);
        return;
    }
    value->at = form->out->len;
    value->is_written = !takes_one_byte(type);
    buffer_append_char(form->out, (char)type);
    if (type == MARSHAL_CODE) {
        write_code(form, value);
        return;
    }
    buffer_append(form->out, canonical_value_body(&form->values, value), value->body_len);
    write_value_parts(form, value, 0, value->count);
    if (type == MARSHAL_DICT || type == MARSHAL_FROZENDICT)
        buffer_append_char(form->out, MARSHAL_NULL);
}

static int compare_positions(const void *a, const void *b, void *values) {
    size_t first = canonical_value_at(values, *(const uint32_t *)a)->at;
    size_t second = canonical_value_at(values, *(const uint32_t *)b)->at;
    return (first > second) - (first < second);
}

/* Flags the values that are referenced, and numbers them in the order in which the reader of the stream does. */
static void number_values(struct form *form) {
    struct buffer referenced = {0};
    for (uint32_t i = 0; i < canonical_values_count(&form->values); i++)
        if (canonical_value_at(&form->values, i)->is_referenced)
            buffer_append(&referenced, &i, sizeof i);
    const size_t count = referenced.len / sizeof(uint32_t);
    const uint32_t *indices = (const uint32_t *)(const void *)referenced.data;
    if (count > 0)
        qsort_r(referenced.data, count, sizeof(uint32_t), compare_positions, &form->values);
    for (size_t i = 0; i < count; i++) {
        struct canonical_value *value = canonical_value_at(&form->values, indices[i]);
        value->number = (uint32_t)i;
        form->out->data[value->at] = (char)((uint8_t)form->out->data[value->at] | MARSHAL_FLAG_REF);
    }
    buffer_deinit(&referenced);
}

static void finish_references(struct form *form) {
    const size_t *places = (const size_t *)(const void *)form->references.data;
    for (size_t i = 0; i < form->references.len / sizeof *places; i++) {
        uint8_t *place = (uint8_t *)form->out->data + places[i];
        uint32_t index =
            (uint32_t)place[0] | (uint32_t)place[1] << 8 | (uint32_t)place[2] << 16 | (uint32_t)place[3] << 24;
        uint32_t number = canonical_value_at(&form->values, index)->number;
        for (int j = 0; j < 4; j++)
            place[j] = (uint8_t)(number >> (8 * j));
    }
}

bool canonical_stream(const void *stream, size_t len, unsigned minor, struct buffer *out) {
    if (minor < PYTHON_MINOR_OLDEST || minor > PYTHON_MINOR_NEWEST)
        return false;
    struct form form = {.out = out};
    uint32_t top;
    bool is_code = canonical_nodes_read(&form.nodes, stream, len, minor, &top) &&
                   canonical_node_at(&form.nodes, top)->type == MARSHAL_CODE;
    canonical_values_init(&form.values);
    if (is_code) {
        form.memory = xcalloc(canonical_nodes_count(&form.nodes), sizeof *form.memory);
        write_value(&form, value_of_node(&form, top, CANONICAL_CONSTANT));
        number_values(&form);
        finish_references(&form);
    }
    free(form.memory);
    buffer_deinit(&form.references);
    canonical_values_deinit(&form.values);
    canonical_nodes_deinit(&form.nodes);
    return is_code;
}
