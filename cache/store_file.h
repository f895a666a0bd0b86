/* The file of a store: its layout, and how its parts are read and written. cache/store_space.h decides which entry goes
 * where, and cache/store_folder.h which file is used.
 *
 * Any process that may write to the file may have damaged it, at any place and at any moment. So the file is never
 * mapped and nothing in it is trusted: every part is read with pread() into memory of its own and checked before it is
 * used. No read follows a chain, so there is no loop that a damage can make endless. A damage costs the entries that it
 * hits; a damaged header costs the whole store.
 *
 * The file is a page for the header, then the index, then STORE_SEGMENTS segments of equal size. The index is a hash
 * table: a bucket is a few slots, and the key alone says in which bucket it has its slot. A slot says where the record
 * of its entry is. Records fill a segment one after another, and leave with their segment. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

#define STORE_KEY_SIZE 32
#define STORE_TAG_SIZE 16

/* The bytes that a store may take of the disk. */
#define STORE_LIMIT_DEFAULT (sizeof(size_t) > 4 ? (uint64_t)2 << 30 : (uint64_t)256 << 20)
#define STORE_LIMIT_MIN ((uint64_t)16 << 20)
#define STORE_LIMIT_MAX ((uint64_t)1 << 40)

#define STORE_SEGMENTS 16

/* A longer value is neither stored nor read, however large the store may be: a slot could claim any length. */
#define STORE_VALUE_MAX ((uint32_t)32 << 20)

struct store_key {
    uint8_t bytes[STORE_KEY_SIZE];
};

/* A slot in use has a place other than 0. */
struct store_slot {
    uint8_t tag[STORE_TAG_SIZE]; /* the first bytes of the key */
    uint64_t place;              /* of the record, in the file */
    uint32_t len;                /* of the value */
    uint32_t age;                /* the hour in which the entry was last used */
};

struct store_totals {
    uint64_t entries, bytes; /* now; bytes of whole records */
    uint64_t hits, misses, stored, evicted, damaged;
};

struct store_segment {
    uint64_t used; /* bytes, from its start */
    uint32_t age;  /* the hour in which a record was last written to it */
    uint32_t reserved;
};

struct store_header {
    uint8_t magic[8];
    uint64_t limit;
    uint64_t generation; /* counts commits */
    struct store_totals totals;
    struct store_segment segments[STORE_SEGMENTS];
    uint32_t current; /* the segment that is being filled */
    uint32_t dirty;   /* a commit has begun and not ended: totals and segments are not right */
    uint64_t sum;     /* of all bytes before */
};

/* An open file. What follows from the limit is computed once. */
struct store_file {
    int fd; /* -1: not open */
    uint64_t limit, buckets, segment_size;
};

/* Makes a file with nothing in it, in place of any other file of that name. Returns 0 or a negative errno value. */
int store_file_create(struct store_file *file, int folder, const char *name, uint64_t limit);

/* Opens a file. Returns 0; -EBADMSG: it is not a store, or its header is damaged; or another negative errno value. */
int store_file_open(struct store_file *file, int folder, const char *name);
void store_file_close(struct store_file *file);

/* Reads the header, which must be of this file. Returns 0, or -EBADMSG where it is damaged (or, without a lock, just
 * being written), or another negative errno value. */
int store_file_read_header(const struct store_file *file, struct store_header *header);
int store_file_write_header(const struct store_file *file, struct store_header *header);

/* Whether the key has a slot; if so, sets *slot and *at, the offset of the slot. Only the tag is compared. */
bool store_file_find(const struct store_file *file, const struct store_key *key, struct store_slot *slot, uint64_t *at);

/* Returns the offset to which a slot of the key may be written, and sets *slot to the slot that is there now: the key's
 * own, else an empty one (its place is 0), else the least recently used one of the bucket. 0: the bucket cannot be
 * read. */
uint64_t store_file_find_room(const struct store_file *file, const struct store_key *key, struct store_slot *slot);

int store_file_write_slot(const struct store_file *file, uint64_t at, const struct store_slot *slot);

/* Calls visit() for each slot in use; where it returns true the slot was changed and is written back. Returns 0 or a
 * negative errno value. */
int store_file_each(const struct store_file *file, bool (*visit)(struct store_slot *slot, void *context),
                    void *context);

/* The bytes of a record whose value has `len` bytes. */
uint64_t store_record_size(uint64_t len);

/* The offset of a segment's first byte. */
uint64_t store_file_segment_start(const struct store_file *file, unsigned segment);

/* The segment in which the slot's record lies. Negative: the slot cannot be right, since there is no room for a record
 * at its place, or no value may be that long. */
int store_file_segment_of(const struct store_file *file, const struct store_slot *slot);

/* Whether the record of the slot is there, whole, and of that key; if so, appends its value. Takes memory only as bytes
 * are read: what a slot claims is not believed. */
bool store_file_read_record(const struct store_file *file, const struct store_key *key, const struct store_slot *slot,
                            struct buffer *value);

/* Whether the record of the slot is there and whole, whatever its key; if so, sets *key and appends the value. */
bool store_file_check_record(const struct store_file *file, const struct store_slot *slot, struct store_key *key,
                             struct buffer *value);

/* Writes a record. Returns 0 or a negative errno value. */
int store_file_write_record(const struct store_file *file, uint64_t place, const struct store_key *key,
                            const void *value, size_t len);
