/* The cache as one process uses it: the store on disk, the remote tier behind it, and the changes that wait to be
 * written. Changes are written in batches, since a commit costs more than a change.
 *
 * An entry that was put is found (by this process too) after the next cache_flush(). Any thread may call any function.
 * A cache lives until its process ends. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "cache/remote/remote.h"
#include "cache/store.h"

/* Seconds between two calls of cache_rest(). */
#define CACHE_REST_S 15

struct cache;

/* Opens the store in `folder`; the parameters are those of store_open(). NULL with a message in *why, which the caller
 * frees. */
struct cache *cache_open(const char *folder, uint64_t limit, char **why);

/* Adds the remote tier, which is asked where the store has no entry and gets every entry that is put. At most once,
 * before the first cache_get(). Borrows `remote`. */
void cache_join(struct cache *cache, struct remote *remote);

/* Whether there is an entry of the key; if so, appends it to `entry`. */
bool cache_get(struct cache *cache, const struct store_key *key, struct buffer *entry);

/* The same in two steps: where the store has no entry the remote tier is asked, and *ticket is what cache_collect()
 * waits for. cache_collect() or cache_forget() is due. */
bool cache_ask(struct cache *cache, const struct store_key *key, struct buffer *entry, struct remote_ticket *ticket);
bool cache_is_waiting(const struct cache *cache, const struct remote_ticket *ticket);
bool cache_collect(struct cache *cache, const struct store_key *key, struct remote_ticket *ticket,
                   struct buffer *entry);
void cache_forget(struct cache *cache, struct remote_ticket *ticket);

/* Puts an entry, and takes its bytes: `entry` is empty afterwards. The entry is written by the next cache_flush(), or
 * earlier where many wait. */
void cache_put(struct cache *cache, const struct store_key *key, struct buffer *entry);

/* Writes the entries that were put. */
void cache_flush(struct cache *cache);

/* Writes the entries that were put and waits a moment until the remote tier has them too. For a process that ends. */
void cache_leave(struct cache *cache);

/* Whether hits and misses wait to be added to the store's counters; cache_count() adds them. */
bool cache_has_counts(const struct cache *cache);
void cache_count(struct cache *cache);

/* Writes all changes, uses of entries too. Where nothing was written since the call before, waits until the disk has
 * what was written earlier. */
void cache_rest(struct cache *cache);

/* The bytes in the store when this process last looked. */
uint64_t cache_bytes(const struct cache *cache);
