/* The objects of a marshal stream as nodes, in which a reference is the node that it means: what the canonical form is
 * made from. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "cache/marshal_form.h"

/* An object of the stream. */
struct canonical_node {
    uint8_t type;          /* without FLAG_REF */
    size_t body, body_len; /* of the stream: what is no object; of a code object, the numbers at its start */
    size_t line;           /* of a code object: its first line's number */
    size_t parts;          /* the first in nodes.parts */
    uint32_t count;        /* of parts */
    uint32_t depth;        /* 1: no parts */
};

struct canonical_nodes {
    struct marshal_cursor cursor; /* the stream, borrowed */
    unsigned depth;
    struct buffer array;   /* of struct canonical_node */
    struct buffer parts;   /* of uint32_t: the indices of nodes */
    struct buffer pending; /* of uint32_t: parts of nodes that are not at their end */
    struct buffer numbers; /* of uint32_t: the node of each number, UINT32_MAX until its end */
};

/* Reads the stream of 3.MINOR, one object with all its parts. Returns false if it is none, if bytes follow, or if it
 * has more than MARSHAL_DEPTH_MAX levels. The caller calls canonical_nodes_deinit() in any case. */
bool canonical_nodes_read(struct canonical_nodes *nodes, const void *stream, size_t len, unsigned minor, uint32_t *top);
void canonical_nodes_deinit(struct canonical_nodes *nodes);

size_t canonical_nodes_count(const struct canonical_nodes *nodes);
const struct canonical_node *canonical_node_at(const struct canonical_nodes *nodes, uint32_t index);

/* The index of the node's part i. */
uint32_t canonical_node_part(const struct canonical_nodes *nodes, const struct canonical_node *node, uint32_t i);

/* The text of a string's node, without the length before it. */
const char *canonical_node_text(const struct canonical_nodes *nodes, const struct canonical_node *node, size_t *len);
