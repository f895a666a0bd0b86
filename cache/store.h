/* The store: values of bytes under keys of 32 bytes, in one file that all hosts and daemons of a user share.
 *
 * A process that uses the store may be killed at any moment, and others may remove, replace or damage the file at any
 * moment. A lookup gives the value that was put, or nothing. Each value has a checksum; a value that does not match is
 * removed and counted. A file that is no store, or whose header is damaged, is begun anew. No damage and no other
 * process can make a call crash, or wait for longer than a moment (cache/store_file.h says why).
 *
 * A hit writes nothing. The caller is told of the first use of an entry in an hour, and gives many such uses to one
 * store_commit(). Any thread may call any function. A child of fork() must open a store of its own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "cache/store_file.h"

/* The contents of a store, and its counters since it was begun. */
struct store_facts {
    uint64_t entries, bytes; /* bytes of whole records */
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

/* Opens the store in the cache's folder, and makes what is missing. `limit`: bytes, kept for later; 0: the limit that
 * is kept, or the default. NULL with a message in *why, which the caller frees. */
struct store *store_open(const char *folder, uint64_t limit, char **why);

/* Commits the hits and misses that were counted since the last commit, and closes the store. Returns NULL. */
struct store *store_close(struct store *store);

/* Whether there is a value of the key; if so, appends it to `value`. *used_anew: the entry should be given to
 * store_commit() as used, since this is its first use in this hour. */
bool store_get(struct store *store, const struct store_key *key, struct buffer *value, bool *used_anew);

/* Carries out the changes, and adds the hits and misses that were counted since the last commit. Entries leave where
 * the limit is passed; a value that is larger than a 16th of the limit is left out. Returns 0; -EAGAIN: another process
 * has kept the store locked; or another negative errno value, as for a full disk. Then some changes may have been
 * carried out. */
int store_commit(struct store *store, const struct store_change *changes, size_t count);

/* Whether there are hits and misses that are not yet committed. */
bool store_has_counts(const struct store *store);

/* Waits until the disk holds all that was committed, so that it survives a power cut. */
void store_sync(struct store *store);

/* The bytes that entries took when this process last wrote. Does not look at the disk. */
uint64_t store_bytes(const struct store *store);

void store_read_facts(struct store *store, struct store_facts *facts);

/* Checks every value, and removes the damaged ones. Returns how many there were. */
uint64_t store_verify(struct store *store);

/* Begins anew, and frees the disk. The limit stays. Returns 0 or a negative errno value. */
int store_clear(struct store *store);

/* As store_clear(), for the store in the cache's folder, which is not opened and may be in any state. Returns 0, or a
 * negative errno value with a message in *why, which the caller frees. */
int store_clear_folder(const char *folder, char **why);

/* Keeps a limit, and moves what fits to a file of that limit. Returns 0 or a negative errno value. */
int store_set_limit(struct store *store, uint64_t limit);
