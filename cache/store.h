/* The store: values of bytes under keys of 32 bytes, kept in one LMDB file that all hosts and
 * daemons of a user share.
 *
 * It may be killed at any moment, and its file may be removed, replaced or damaged by others at any
 * moment: what is found there is what was put there, or nothing. A store that cannot be read is
 * begun anew. Each value carries a checksum; one that does not match is removed and counted.
 *
 * Nothing is written for a hit: an hour's worth of uses is one small record, which store_commit()
 * writes with others. All functions may be called by any thread. A child of fork() must open its
 * own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

#define STORE_KEY_SIZE 32
#define STORE_LIMIT_DEFAULT ((uint64_t)2 << 30)
#define STORE_LIMIT_MIN ((uint64_t)16 << 20)
#define STORE_LIMIT_MAX ((uint64_t)1 << 40)

struct store_key {
    uint8_t bytes[STORE_KEY_SIZE];
};

/* What a store holds and has done since it was begun. */
struct store_facts {
    uint64_t entries, bytes; /* bytes: of disk, whole pages */
    uint64_t limit, file_bytes;
    uint64_t hits, misses, stored, evicted, damaged;
};

/* One change, for store_commit(). A value of NULL says that the entry was used. */
struct store_change {
    struct store_key key;
    const void *value;
    size_t len;
};

struct store;

/* Opens the store in the cache's folder, making what is missing. `limit`: bytes, kept for later; 0:
 * as it was kept, or the default. Returns NULL with a message in *why, which the caller frees. */
struct store *store_open(const char *folder, uint64_t limit, char **why);

/* Closes it; counts of hits and misses that were not yet committed are. Returns NULL. */
struct store *store_close(struct store *store);

/* Appends the value of the key to `value`. False: there is none. *used_anew is set where the entry
 * should be given to store_commit() as used, which is so for the first use in an hour. */
bool store_get(struct store *store, const struct store_key *key, struct buffer *value, bool *used_anew);

/* Carries out the changes in one step, letting the least recently used entries go where the limit
 * is passed; a value too large is left out. False: they cannot be stored, as on a full disk. */
bool store_commit(struct store *store, const struct store_change *changes, size_t count);

/* Has the disk hold all that was committed, so that it survives a power cut. */
void store_sync(struct store *store);

/* The bytes that entries took when this process last wrote. Does not look at the disk. */
uint64_t store_bytes(const struct store *store);

void store_read_facts(struct store *store, struct store_facts *facts);

/* Checks every value; removes the damaged ones. Returns how many there were. */
uint64_t store_verify(struct store *store);

/* Begins anew; frees the disk. The limit stays. */
void store_clear(struct store *store);

/* Keeps a limit, lets entries go to fit it, and has the file shrink to it. False: the disk cannot
 * do it. */
bool store_set_limit(struct store *store, uint64_t limit);
