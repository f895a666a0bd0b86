/* Values of a marshal stream, equal ones kept once: what the canonical form is made of. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sodium.h>

#include "base/buffer.h"

/* A value is known by its index. Its key, in the pool, is the type byte without FLAG_REF, `body_len` bytes that are no
 * objects, and the indices of `count` values that are its parts. */
struct canonical_value {
    size_t key;
    size_t body_len;
    uint32_t count;
    /* For the writer: */
    bool is_written, is_referenced;
    uint32_t number; /* of those that are referenced */
    size_t at;       /* where its type byte stands */
};

struct canonical_values {
    struct buffer pool;  /* the keys, one after the other */
    struct buffer array; /* of struct canonical_value */
    uint32_t *slots;     /* a hash table of indices plus one; its size is a power of two */
    size_t slot_count;
    unsigned char secret[crypto_shorthash_KEYBYTES]; /* no source can be written so that its values collide */
};

void canonical_values_init(struct canonical_values *values);
void canonical_values_deinit(struct canonical_values *values);

/* Borrowed until the next value is added. */
struct canonical_value *canonical_value_at(const struct canonical_values *values, uint32_t index);
uint8_t canonical_value_type(const struct canonical_values *values, const struct canonical_value *value);
const char *canonical_value_body(const struct canonical_values *values, const struct canonical_value *value);
uint32_t canonical_value_part(const struct canonical_values *values, const struct canonical_value *value, uint32_t i);

size_t canonical_values_count(const struct canonical_values *values);

/* The index of the value with that type, body and parts; adds it if it is new. */
uint32_t canonical_values_add(struct canonical_values *values, uint8_t type, const void *body, size_t body_len,
                              const uint32_t *parts, uint32_t count);

/* Orders two values as the bytes of their canonical form without FLAG_REF and references: below 0, 0 or above 0. Equal
 * parts cost nothing. */
int canonical_values_compare(const struct canonical_values *values, uint32_t a, uint32_t b);
