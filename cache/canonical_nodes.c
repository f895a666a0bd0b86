/* One pass, as r_object() in CPython's Python/marshal.c goes. */
#include "cache/canonical_nodes.h"

static uint32_t word_of(const struct buffer *words, size_t i) {
    return ((uint32_t *)(void *)words->data)[i];
}

static size_t count_words(const struct buffer *words) {
    return words->len / sizeof(uint32_t);
}

static void add_word(struct buffer *words, uint32_t word) {
    buffer_append(words, &word, sizeof word);
}

size_t canonical_nodes_count(const struct canonical_nodes *nodes) {
    return nodes->array.len / sizeof(struct canonical_node);
}

const struct canonical_node *canonical_node_at(const struct canonical_nodes *nodes, uint32_t index) {
    return (const struct canonical_node *)(const void *)nodes->array.data + index;
}

uint32_t canonical_node_part(const struct canonical_nodes *nodes, const struct canonical_node *node, uint32_t i) {
    return word_of(&nodes->parts, node->parts + i);
}

const char *canonical_node_text(const struct canonical_nodes *nodes, const struct canonical_node *node, size_t *len) {
    bool is_short = node->type == MARSHAL_SHORT_ASCII || node->type == MARSHAL_SHORT_ASCII_INTERNED;
    size_t before = is_short ? 1 : 4;
    *len = node->body_len - before;
    return (const char *)nodes->cursor.data + node->body + before;
}

static bool read_node(struct canonical_nodes *nodes, uint32_t *index);

/* Reads objects, which wait in nodes->pending until their container ends. */
static bool read_parts(struct canonical_nodes *nodes, struct canonical_node *node, uint32_t count) {
    for (uint32_t i = 0, part; i < count; i++) {
        if (!read_node(nodes, &part))
            return false;
        add_word(&nodes->pending, part);
        if (canonical_node_at(nodes, part)->depth >= node->depth)
            node->depth = canonical_node_at(nodes, part)->depth + 1;
    }
    return true;
}

static bool read_pair_nodes(struct canonical_nodes *nodes, struct canonical_node *node) {
    const struct marshal_cursor *cursor = &nodes->cursor;
    while (cursor->at < cursor->len && cursor->data[cursor->at] != MARSHAL_NULL)
        if (!read_parts(nodes, node, 2))
            return false;
    return marshal_skip(&nodes->cursor, 1);
}

static bool read_code_node(struct canonical_nodes *nodes, struct canonical_node *node) {
    struct marshal_cursor *cursor = &nodes->cursor;
    const struct marshal_code_form *code = marshal_code_form(cursor->minor);
    node->body_len = 4 * (size_t)code->numbers;
    if (!marshal_skip(cursor, node->body_len) || !read_parts(nodes, node, code->before_name + 1 + code->before_line))
        return false;
    node->line = cursor->at;
    return marshal_skip(cursor, 4) && read_parts(nodes, node, code->after_line);
}

static bool read_node_body(struct canonical_nodes *nodes, struct canonical_node *node) {
    uint32_t count = 0;
    node->body = nodes->cursor.at;
    enum marshal_body body = marshal_read_body(&nodes->cursor, node->type, &count);
    node->body_len = nodes->cursor.at - node->body;
    switch (body) {
    case MARSHAL_BODY_LEAF:
        return true;
    case MARSHAL_BODY_PARTS:
        return read_parts(nodes, node, count);
    case MARSHAL_BODY_PAIRS:
        return read_pair_nodes(nodes, node);
    case MARSHAL_BODY_CODE:
        return read_code_node(nodes, node);
    default:
        return false;
    }
}

static bool read_referenced_node(struct canonical_nodes *nodes, uint32_t *index) {
    uint32_t number;
    if (!marshal_read_word(&nodes->cursor, &number) || number >= count_words(&nodes->numbers))
        return false;
    *index = word_of(&nodes->numbers, number);
    return *index != UINT32_MAX;
}

/* Moves the parts that wait since `first` to the node. */
static void take_parts(struct canonical_nodes *nodes, struct canonical_node *node, size_t first) {
    node->parts = count_words(&nodes->parts);
    node->count = (uint32_t)(count_words(&nodes->pending) - first);
    buffer_append(&nodes->parts, nodes->pending.data + first * sizeof(uint32_t), node->count * sizeof(uint32_t));
    nodes->pending.len = first * sizeof(uint32_t);
}

static bool read_node(struct canonical_nodes *nodes, uint32_t *index) {
    uint8_t byte;
    if (!marshal_read_byte(&nodes->cursor, &byte))
        return false;
    struct canonical_node node = {.type = byte & (uint8_t)~MARSHAL_FLAG_REF, .depth = 1};
    bool is_numbered = (byte & MARSHAL_FLAG_REF) != 0;
    size_t number = count_words(&nodes->numbers), first = count_words(&nodes->pending);
    if (node.type == MARSHAL_REF)
        return !is_numbered && read_referenced_node(nodes, index);
    if (is_numbered) /* an object gets its number before the objects that it contains */
        add_word(&nodes->numbers, UINT32_MAX);
    if (++nodes->depth > MARSHAL_DEPTH_MAX || !read_node_body(nodes, &node) || node.depth > MARSHAL_DEPTH_MAX)
        return false;
    nodes->depth--;
    take_parts(nodes, &node, first);
    *index = (uint32_t)(nodes->array.len / sizeof node);
    buffer_append(&nodes->array, &node, sizeof node);
    if (is_numbered)
        ((uint32_t *)(void *)nodes->numbers.data)[number] = *index;
    return true;
}

bool canonical_nodes_read(struct canonical_nodes *nodes, const void *stream, size_t len, unsigned minor,
                          uint32_t *top) {
    *nodes = (struct canonical_nodes){.cursor = {.data = stream, .len = len, .minor = minor}};
    return read_node(nodes, top) && nodes->cursor.at == len;
}

void canonical_nodes_deinit(struct canonical_nodes *nodes) {
    buffer_deinit(&nodes->array);
    buffer_deinit(&nodes->parts);
    buffer_deinit(&nodes->pending);
    buffer_deinit(&nodes->numbers);
}
