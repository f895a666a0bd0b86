/* The table is open addressing with linear probing, at most half full. */
#include "cache/canonical_values.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_AT_FIRST 1024

void canonical_values_init(struct canonical_values *values) {
    *values = (struct canonical_values){.slot_count = SLOTS_AT_FIRST};
    values->slots = xcalloc(values->slot_count, sizeof *values->slots);
    crypto_shorthash_keygen(values->secret);
}

void canonical_values_deinit(struct canonical_values *values) {
    buffer_deinit(&values->pool);
    buffer_deinit(&values->array);
    free(values->slots);
}

struct canonical_value *canonical_value_at(const struct canonical_values *values, uint32_t index) {
    return (struct canonical_value *)(void *)values->array.data + index;
}

uint8_t canonical_value_type(const struct canonical_values *values, const struct canonical_value *value) {
    return (uint8_t)values->pool.data[value->key];
}

const char *canonical_value_body(const struct canonical_values *values, const struct canonical_value *value) {
    return values->pool.data + value->key + 1;
}

uint32_t canonical_value_part(const struct canonical_values *values, const struct canonical_value *value, uint32_t i) {
    uint32_t part;
    memcpy(&part, canonical_value_body(values, value) + value->body_len + i * sizeof part, sizeof part);
    return part;
}

size_t canonical_values_count(const struct canonical_values *values) {
    return values->array.len / sizeof(struct canonical_value);
}

static size_t key_len(const struct canonical_value *value) {
    return 1 + value->body_len + value->count * sizeof(uint32_t);
}

static uint64_t hash_key(const struct canonical_values *values, const struct canonical_value *value) {
    uint64_t hash;
    unsigned char bytes[crypto_shorthash_BYTES];
    crypto_shorthash(bytes, (const unsigned char *)values->pool.data + value->key, key_len(value), values->secret);
    memcpy(&hash, bytes, sizeof hash);
    return hash;
}

static bool has_same_key(const struct canonical_values *values, const struct canonical_value *a,
                         const struct canonical_value *b) {
    return key_len(a) == key_len(b) && a->count == b->count &&
           memcmp(values->pool.data + a->key, values->pool.data + b->key, key_len(a)) == 0;
}

/* The slot that holds that value, or the free one where it belongs. */
static uint32_t *find_value_slot(const struct canonical_values *values, const struct canonical_value *value) {
    size_t i = hash_key(values, value) & (values->slot_count - 1);
    while (values->slots[i] != 0 && !has_same_key(values, canonical_value_at(values, values->slots[i] - 1), value))
        i = (i + 1) & (values->slot_count - 1);
    return &values->slots[i];
}

static void grow_table(struct canonical_values *values) {
    free(values->slots);
    values->slot_count *= 2;
    values->slots = xcalloc(values->slot_count, sizeof *values->slots);
    for (uint32_t i = 0; i < canonical_values_count(values); i++)
        *find_value_slot(values, canonical_value_at(values, i)) = i + 1;
}

uint32_t canonical_values_add(struct canonical_values *values, uint8_t type, const void *body, size_t body_len,
                              const uint32_t *parts, uint32_t count) {
    struct canonical_value value = {.key = values->pool.len, .body_len = body_len, .count = count};
    buffer_append_char(&values->pool, (char)type);
    buffer_append(&values->pool, body, body_len);
    buffer_append(&values->pool, parts, count * sizeof *parts);
    uint32_t *slot = find_value_slot(values, &value);
    if (*slot != 0) {
        values->pool.len = value.key;
        return *slot - 1;
    }
    uint32_t index = (uint32_t)canonical_values_count(values);
    buffer_append(&values->array, &value, sizeof value);
    *slot = index + 1;
    if (2 * canonical_values_count(values) > values->slot_count)
        grow_table(values);
    return index;
}

static int compare_bodies(const struct canonical_values *values, const struct canonical_value *a,
                          const struct canonical_value *b) {
    size_t len = a->body_len < b->body_len ? a->body_len : b->body_len;
    int order = memcmp(canonical_value_body(values, a), canonical_value_body(values, b), len);
    return order != 0 ? order : (a->body_len > b->body_len) - (a->body_len < b->body_len);
}

int canonical_values_compare(const struct canonical_values *values, uint32_t a, uint32_t b) {
    if (a == b)
        return 0;
    const struct canonical_value *first = canonical_value_at(values, a), *second = canonical_value_at(values, b);
    int order = canonical_value_type(values, first) - canonical_value_type(values, second);
    if (order == 0)
        order = compare_bodies(values, first, second);
    for (uint32_t i = 0; order == 0 && i < first->count && i < second->count; i++)
        order = canonical_values_compare(values, canonical_value_part(values, first, i),
                                         canonical_value_part(values, second, i));
    return order != 0 ? order : (first->count > second->count) - (first->count < second->count);
}
