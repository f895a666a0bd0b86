/* The cache as a process uses it: a store, and what is to be written to it, gathered so that it is
 * written in few steps.
 *
 * What was put is found by other processes after cache_flush(); by whom it was put, likewise. Any
 * thread may call any function. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "cache/remote.h"
#include "cache/store.h"

/* cache_rest() is to be called so often. */
#define CACHE_REST_S 15

struct cache;

/* As store_open() and store_close(); closing flushes. */
struct cache *cache_open(const char *folder, uint64_t limit, char **why);
struct cache *cache_close(struct cache *cache);

/* From now on the remote tier is asked for what the store has not, and given what is put. Once. */
void cache_join(struct cache *cache, struct remote *remote);

/* Appends the entry of the key to `entry`. False: there is none. */
bool cache_get(struct cache *cache, const struct store_key *key, struct buffer *entry);

/* Puts an entry, whose bytes it takes; it is written with the next cache_flush(), or when many are
 * waiting. */
void cache_put(struct cache *cache, const struct store_key *key, struct buffer *entry);

/* Writes what was put. */
void cache_flush(struct cache *cache);

/* Likewise, and gives the remote tier a moment to take it: for a process that ends. */
void cache_leave(struct cache *cache);

/* Writes which entries were used; once nothing has been written for a while, waits for the disk. */
void cache_rest(struct cache *cache);

/* Bytes in the store, as this process saw it last. */
uint64_t cache_bytes(const struct cache *cache);
