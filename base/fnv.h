/* The hash FNV-1a of 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/): for texts that nobody chooses to collide, or
 * whose collisions cost no more than time. */
#pragma once

#include <stdint.h>

/* Of the bytes from `text` up to `end`; none if `end` is not behind `text`. */
static inline uint64_t fnv_hash(const char *text, const char *end) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (; text < end; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}
