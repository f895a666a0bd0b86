/* The changes that wait, in two arrays under one mutex; the store is called without the mutex. */
#include "cache/cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* The most changes that wait; then they are written. */
#define PUTS_MAX 32
#define PUT_BYTES_MAX ((size_t)1 << 20)
#define USES_MAX 512

/* The time that a process that ends waits for the remote tier. */
#define LEAVE_MS 3000

struct cache_changes {
    struct store_change items[PUTS_MAX + USES_MAX];
    size_t count;
};

struct cache {
    struct store *store;
    struct remote *remote; /* or NULL */
    pthread_mutex_t mutex; /* guards all members below */
    struct store_change *puts;
    size_t put_count, put_bytes;
    struct store_change *uses;
    size_t use_count;
    bool complained;        /* on stderr, about a store that takes no entries */
    bool written, unsynced; /* since the last rest; since the last sync */
};

struct cache *cache_open(const char *folder, uint64_t limit, char **why) {
    struct store *store = store_open(folder, limit, why);
    if (store == NULL)
        return NULL;
    struct cache *cache = xcalloc(1, sizeof *cache);
    cache->store = store;
    cache->puts = xcalloc(PUTS_MAX, sizeof *cache->puts);
    cache->uses = xcalloc(USES_MAX, sizeof *cache->uses);
    pthread_mutex_init(&cache->mutex, NULL);
    return cache;
}

/* Moves the puts to `changes`. Uses go along where there are puts, or where `uses` asks for them. */
static void changes_take(struct cache *cache, bool uses, struct cache_changes *changes) {
    changes->count = 0;
    pthread_mutex_lock(&cache->mutex);
    for (size_t i = 0; i < cache->put_count; i++)
        changes->items[changes->count++] = cache->puts[i];
    for (size_t i = 0; (uses || changes->count > 0) && i < cache->use_count; i++)
        changes->items[changes->count++] = cache->uses[i];
    if (changes->count > cache->put_count || uses)
        cache->use_count = 0;
    cache->put_count = cache->put_bytes = 0;
    cache->written = cache->written || changes->count > 0;
    pthread_mutex_unlock(&cache->mutex);
}

/* Says once that the store takes no entries; compiling goes on. */
static void changes_complain(struct cache *cache) {
    pthread_mutex_lock(&cache->mutex);
    if (!cache->complained)
        fputs("pycompile-host: the cache cannot be written to\n", stderr);
    cache->complained = true;
    pthread_mutex_unlock(&cache->mutex);
}

/* Whether the store takes no entries; where it was merely busy the changes are dropped in silence. */
static bool changes_failed(int status) {
    return status < 0 && status != -EAGAIN;
}

static void changes_write(struct cache *cache, bool uses) {
    struct cache_changes changes;
    changes_take(cache, uses, &changes);
    if (changes.count > 0 && changes_failed(store_commit(cache->store, changes.items, changes.count)))
        changes_complain(cache);
    for (size_t i = 0; i < changes.count; i++)
        free((void *)(uintptr_t)changes.items[i].value);
}

static void changes_note_use(struct cache *cache, const struct store_key *key) {
    pthread_mutex_lock(&cache->mutex);
    if (cache->use_count < USES_MAX)
        cache->uses[cache->use_count++] = (struct store_change){.key = *key};
    bool full = cache->use_count == USES_MAX;
    pthread_mutex_unlock(&cache->mutex);
    if (full)
        changes_write(cache, true);
}

void cache_join(struct cache *cache, struct remote *remote) {
    cache->remote = remote;
}

static void changes_put(struct cache *cache, const struct store_key *key, struct buffer *entry) {
    pthread_mutex_lock(&cache->mutex);
    bool full = cache->put_count == PUTS_MAX || cache->put_bytes > PUT_BYTES_MAX;
    pthread_mutex_unlock(&cache->mutex);
    if (full)
        changes_write(cache, false);
    pthread_mutex_lock(&cache->mutex);
    if (cache->put_count < PUTS_MAX) { /* else other threads have filled it meanwhile: the entry is dropped */
        cache->puts[cache->put_count++] = (struct store_change){.key = *key, .value = entry->data, .len = entry->len};
        cache->put_bytes += entry->len;
        *entry = (struct buffer){0};
    }
    pthread_mutex_unlock(&cache->mutex);
    buffer_deinit(entry);
}

bool cache_ask(struct cache *cache, const struct store_key *key, struct buffer *entry, struct remote_ticket *ticket) {
    bool anew, found = store_get(cache->store, key, entry, &anew);
    *ticket = (struct remote_ticket){0};
    if (anew)
        changes_note_use(cache, key);
    if (!found && cache->remote != NULL)
        *ticket = remote_ask(cache->remote, key);
    return found;
}

bool cache_is_waiting(const struct cache *cache, const struct remote_ticket *ticket) {
    return cache->remote != NULL && remote_is_waiting(cache->remote, ticket);
}

bool cache_collect(struct cache *cache, const struct store_key *key, struct remote_ticket *ticket,
                   struct buffer *entry) {
    size_t before = entry->len;
    bool found = cache->remote != NULL && remote_take(cache->remote, key, ticket, entry);
    if (found) {
        struct buffer copy = {0};
        buffer_append(&copy, entry->data + before, entry->len - before);
        changes_put(cache, key, &copy);
    }
    return found;
}

void cache_forget(struct cache *cache, struct remote_ticket *ticket) {
    if (cache->remote != NULL)
        remote_forget(cache->remote, ticket);
}

bool cache_get(struct cache *cache, const struct store_key *key, struct buffer *entry) {
    struct remote_ticket ticket;
    return cache_ask(cache, key, entry, &ticket) || cache_collect(cache, key, &ticket, entry);
}

void cache_put(struct cache *cache, const struct store_key *key, struct buffer *entry) {
    if (cache->remote != NULL)
        remote_put(cache->remote, key, entry->data, entry->len);
    changes_put(cache, key, entry);
}

void cache_flush(struct cache *cache) {
    changes_write(cache, false);
}

bool cache_has_counts(const struct cache *cache) {
    return store_has_counts(cache->store);
}

void cache_count(struct cache *cache) {
    if (store_has_counts(cache->store))
        (void)store_commit(cache->store, NULL, 0); /* they are only counts */
}

void cache_leave(struct cache *cache) {
    changes_write(cache, false);
    cache_count(cache);
    if (cache->remote != NULL)
        remote_drain(cache->remote, LEAVE_MS);
}

void cache_rest(struct cache *cache) {
    changes_write(cache, true);
    cache_count(cache);
    pthread_mutex_lock(&cache->mutex);
    bool quiet = !cache->written;
    cache->unsynced = cache->unsynced || cache->written;
    cache->written = false;
    bool sync = quiet && cache->unsynced;
    cache->unsynced = cache->unsynced && !sync;
    pthread_mutex_unlock(&cache->mutex);
    if (sync)
        store_sync(cache->store);
}

uint64_t cache_bytes(const struct cache *cache) {
    return store_bytes(cache->store);
}
