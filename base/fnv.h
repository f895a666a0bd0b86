/* The hash FNV-1a of 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/): for texts that nobody chooses to collide, or
 * whose collisions cost no more than time. */
#pragma once

#include <stddef.h>
#include <stdint.h>

static inline uint64_t fnv_hash(const char *text, size_t len) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    return hash;
}
