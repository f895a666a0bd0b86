/* Written by hand, since libsodium has SipHash-2-4 only, and CPython's _imp.source_hash() needs an interpreter. SipHash
 * is by Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012). */
#include "host/source_hash.h"

/* At the end: 4 rounds in SipHash-2-4, 3 in SipHash-1-3. */
#define LAST_ROUNDS(rounds) ((rounds) + 2)

struct siphash {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t word, unsigned bits) {
    return word << bits | word >> (64 - bits);
}

static void siphash_mix(struct siphash *s, unsigned rounds) {
    while (rounds-- > 0) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32) + s->v3;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
    }
}

/* Up to 8 bytes, the first one lowest. */
static uint64_t load_word(const uint8_t *bytes, size_t count) {
    uint64_t word = 0;
    for (size_t i = 0; i < count; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

static void siphash_absorb(struct siphash *s, uint64_t word, unsigned rounds) {
    s->v3 ^= word;
    siphash_mix(s, rounds);
    s->v0 ^= word;
}

uint64_t source_hash(uint32_t magic, unsigned rounds, const void *source, size_t len) {
    const uint8_t *bytes = source;
    struct siphash s = {
        .v0 = 0x736f6d6570736575u ^ magic,
        .v1 = 0x646f72616e646f6du,
        .v2 = 0x6c7967656e657261u ^ magic,
        .v3 = 0x7465646279746573u,
    };
    size_t at = 0;
    for (; len - at >= 8; at += 8)
        siphash_absorb(&s, load_word(bytes + at, 8), rounds);
    siphash_absorb(&s, load_word(bytes + at, len - at) | (uint64_t)len << 56, rounds);
    s.v2 ^= 0xff;
    siphash_mix(&s, LAST_ROUNDS(rounds));
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
