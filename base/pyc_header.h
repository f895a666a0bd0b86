/* The header of a .pyc (PEP 552): its bytes, reading it from disk, and making one from a source's stat.
 * host/source_hash.h makes the hash of a hash-based .pyc. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define PYC_HEADER_SIZE 16
#define PYC_FLAG_HASH 1u
#define PYC_FLAG_CHECK_SOURCE 2u

/* A header; the two words are mtime and size, or the halves of the source's hash. */
struct pyc_header {
    uint32_t magic;
    uint32_t flags;
    uint32_t words[2];
};

/* Reads the header of an existing .pyc; `path` is relative to the folder `dir_fd`. Returns false if there is none. */
bool pyc_header_read(int dir_fd, const char *path, struct pyc_header *header);

/* Writes the header's bytes. */
void pyc_header_encode(const struct pyc_header *header, unsigned char bytes[PYC_HEADER_SIZE]);

/* The header of a timestamp .pyc for a source with that stat, as importlib makes it: the low 32 bits of the time, which
 * goes through a float, and of the size. */
struct pyc_header pyc_header_timestamp(uint32_t magic, const struct stat *stat);

/* Whether both headers are equal. */
bool pyc_header_equal(const struct pyc_header *a, const struct pyc_header *b);
