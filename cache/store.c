/* Lookups without a lock, changes with one. A lookup that meets something wrong looks again with the lock, since
 * another process may have been writing just there. */
#include "cache/store.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "cache/store_folder.h"
#include "cache/store_space.h"

#define AGE_UNIT_S 3600

/* Reading facts without a lock may meet a header that is just being written. */
#define HEADER_TRIES 100

/* Damaged entries that are removed while other processes wait for the lock. */
#define REMOVED_AT_ONCE 64

struct store {
    struct store_folder *folder;
    _Atomic uint64_t hits, misses; /* not yet committed */
    _Atomic uint64_t bytes;        /* when this process last looked */
};

struct store *store_open(const char *path, uint64_t limit, char **why) {
    if (sodium_init() < 0) {
        *why = xstrdup("libsodium cannot be initialised");
        return NULL;
    }
    struct store_folder *folder = store_folder_new(path, limit, why);
    if (folder == NULL)
        return NULL;
    struct store *store = xcalloc(1, sizeof *store);
    struct store_facts facts;
    store->folder = folder;
    store_read_facts(store, &facts);
    return store;
}

struct store *store_close(struct store *store) {
    if (store == NULL)
        return NULL;
    if (store_has_counts(store))
        (void)store_commit(store, NULL, 0); /* they are only counts */
    store_folder_free(store->folder);
    free(store);
    return NULL;
}

static uint32_t age_now(void) {
    return (uint32_t)(time(NULL) / AGE_UNIT_S);
}

/* Begins a change of the file. Returns 0, and then writer_end() must be called; or a negative errno value. A file whose
 * header is damaged is thrown away. */
static int writer_begin(struct store *store, struct store_writer *writer) {
    int status = -EAGAIN;
    for (int tries = 0; tries < 2; tries++) {
        const struct store_file *file;
        status = store_folder_lock(store->folder, &file);
        if (status < 0)
            return status;
        status = store_space_begin(writer, file, age_now());
        if (status == 0)
            return 0;
        if (status == -EBADMSG)
            (void)store_folder_discard(store->folder); /* else there is no store, which the next one finds */
        store_folder_unlock(store->folder);
        if (status != -EBADMSG)
            break;
    }
    return status;
}

/* Ends a change that has gone so far. Returns 0 or the first negative errno value. */
static int writer_end(struct store *store, struct store_writer *writer, int status) {
    int ended = store_space_end(writer);
    status = status < 0 ? status : ended;
    if (status == -EBADMSG)
        (void)store_folder_discard(store->folder);
    store->bytes = writer->header.totals.bytes;
    store_folder_unlock(store->folder);
    return status;
}

static int writer_apply(struct store_writer *writer, const struct store_change *change) {
    if (change->value == NULL)
        return store_space_use(writer, &change->key);
    int status = store_space_put(writer, &change->key, change->value, change->len, writer->now);
    writer->header.totals.stored += status == 0;
    return status;
}

static int commit_once(struct store *store, const struct store_change *changes, size_t count) {
    struct store_writer writer;
    int status = writer_begin(store, &writer);
    if (status < 0)
        return status;
    writer.header.totals.hits += atomic_exchange(&store->hits, 0);
    writer.header.totals.misses += atomic_exchange(&store->misses, 0);
    for (size_t i = 0; status == 0 && i < count; i++)
        status = writer_apply(&writer, &changes[i]);
    return writer_end(store, &writer, status);
}

int store_commit(struct store *store, const struct store_change *changes, size_t count) {
    int status = commit_once(store, changes, count);
    return status == -EBADMSG ? commit_once(store, changes, count) : status; /* in a new file */
}

bool store_has_counts(const struct store *store) {
    return store->hits > 0 || store->misses > 0;
}

/* Removes those entries of the keys that are damaged, now that no other process writes. Returns how many were. */
static size_t remove_damaged(struct store *store, const struct store_key *keys, size_t count) {
    struct store_writer writer;
    size_t removed = 0;
    if (writer_begin(store, &writer) < 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        removed += store_space_remove_damaged(&writer, &keys[i]);
    (void)writer_end(store, &writer, 0); /* the entries are gone all the same */
    return removed;
}

bool store_get(struct store *store, const struct store_key *key, struct buffer *value, bool *used_anew) {
    struct store_slot slot;
    uint64_t at;
    const struct store_file *file = store_folder_enter(store->folder);
    bool known = file != NULL && store_file_find(file, key, &slot, &at);
    bool hit = known && store_file_read_record(file, key, &slot, value);
    *used_anew = hit && slot.age != age_now();
    if (file != NULL)
        store_folder_leave(store->folder);
    if (known && !hit)
        (void)remove_damaged(store, key, 1);
    if (hit)
        store->hits++;
    else
        store->misses++;
    return hit;
}

uint64_t store_bytes(const struct store *store) {
    return store->bytes;
}

void store_sync(struct store *store) {
    store_folder_sync(store->folder);
}

void store_read_facts(struct store *store, struct store_facts *facts) {
    struct store_header header;
    int status = -EBADMSG;
    const struct store_file *file = store_folder_enter(store->folder);
    for (int tries = 0; file != NULL && status == -EBADMSG && tries < HEADER_TRIES; tries++)
        status = store_file_read_header(file, &header);
    if (file != NULL)
        store_folder_leave(store->folder);
    const struct store_totals *totals = status == 0 ? &header.totals : &(struct store_totals){0};
    store->bytes = totals->bytes;
    *facts = (struct store_facts){
        .entries = totals->entries,
        .bytes = totals->bytes,
        .limit = store_folder_limit(store->folder),
        .file_bytes = store_folder_file_bytes(store->folder),
        .hits = totals->hits + store->hits,
        .misses = totals->misses + store->misses,
        .stored = totals->stored,
        .evicted = totals->evicted,
        .damaged = totals->damaged,
    };
}

/* A walk that collects the tags of damaged entries, each as a key. */
struct verify_walk {
    const struct store_file *file;
    struct buffer keys, value;
};

static bool verify_visit(struct store_slot *slot, void *context) {
    struct verify_walk *walk = context;
    struct store_key key = {{0}};
    walk->value.len = 0;
    if (store_file_segment_of(walk->file, slot) < 0 || store_file_check_record(walk->file, slot, &key, &walk->value))
        return false;
    key = (struct store_key){{0}};
    memcpy(key.bytes, slot->tag, STORE_TAG_SIZE);
    buffer_append(&walk->keys, &key, sizeof key);
    return false;
}

/* Counts anew, and drops slots that point nowhere. */
static void verify_recount(struct store *store) {
    struct store_writer writer;
    if (writer_begin(store, &writer) == 0)
        (void)writer_end(store, &writer, store_space_recount(&writer)); /* a file of no use is thrown away */
}

uint64_t store_verify(struct store *store) {
    struct verify_walk walk = {.file = store_folder_enter(store->folder)};
    if (walk.file == NULL)
        return 0;
    (void)store_file_each(walk.file, verify_visit, &walk); /* what cannot be read is found by the recount */
    store_folder_leave(store->folder);
    uint64_t damaged = 0;
    const struct store_key *keys = (const void *)walk.keys.data;
    size_t count = walk.keys.len / sizeof *keys;
    for (size_t i = 0; i < count; i += REMOVED_AT_ONCE)
        damaged += remove_damaged(store, keys + i, count - i < REMOVED_AT_ONCE ? count - i : REMOVED_AT_ONCE);
    verify_recount(store);
    buffer_deinit(&walk.keys);
    buffer_deinit(&walk.value);
    return damaged;
}

int store_clear(struct store *store) {
    return store_folder_discard(store->folder);
}

int store_clear_folder(const char *folder, char **why) {
    return store_folder_remove(folder, why);
}

int store_set_limit(struct store *store, uint64_t limit) {
    struct store_facts facts;
    int status = store_folder_set_limit(store->folder, limit);
    store_read_facts(store, &facts);
    return status;
}
