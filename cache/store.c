/* See store.h. */
#include "cache/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "cache/store_env.h"

#define CHECKSUM_SIZE crypto_shorthash_BYTES
#define PAGE_SIZE 4096u

/* What an entry takes beside its value: its part of three tables. */
#define ENTRY_OVERHEAD 256u

/* Values up to this size share pages. */
#define INLINE_MAX 1900u

/* Entries that leave in one step, at most: others wait for a commit. */
#define EVICT_MAX 512

/* An entry may take this part of the limit. */
#define PART_MAX 16

#define AGE_UNIT_S 3600

/* Of one entry; in STORE_USES. */
struct use {
    uint32_t age; /* in AGE_UNIT_S: when it was last used */
    uint32_t reserved;
    uint64_t bytes;
};

/* In STORE_AGES, as a key: sorted by age. */
struct age_key {
    uint8_t age[4];
    struct store_key key;
};

struct totals {
    uint64_t entries, bytes;
    uint64_t hits, misses, stored, evicted, damaged;
};

struct store {
    struct store_env *env;
    _Atomic uint64_t hits, misses; /* not yet in the totals */
    _Atomic uint64_t bytes;        /* as last seen */
};

static char totals_name[] = "totals";

struct store *store_open(const char *folder, uint64_t limit, char **why) {
    if (sodium_init() < 0) {
        *why = xstrdup("libsodium cannot be initialised");
        return NULL;
    }
    struct store_env *env = store_env_new(folder, limit, why);
    if (env == NULL)
        return NULL;
    struct store *store = xcalloc(1, sizeof *store);
    store->env = env;
    struct store_facts facts;
    store_read_facts(store, &facts);
    return store;
}

struct store *store_close(struct store *store) {
    if (store == NULL)
        return NULL;
    if (store->hits > 0 || store->misses > 0)
        store_commit(store, NULL, 0);
    store_env_free(store->env);
    free(store);
    return NULL;
}

static uint32_t age_now(void) {
    return (uint32_t)(time(NULL) / AGE_UNIT_S);
}

static uint64_t bytes_taken(size_t len) {
    len += CHECKSUM_SIZE;
    return ENTRY_OVERHEAD + (len <= INLINE_MAX ? len : (len + PAGE_SIZE) / PAGE_SIZE * PAGE_SIZE);
}

/* The value's checksum depends on its key too: no value passes for another's. */
static void checksum(const struct store_key *key, const void *value, size_t len, uint8_t sum[CHECKSUM_SIZE]) {
    crypto_shorthash(sum, value, len, key->bytes);
}

static MDB_val val_of(const void *data, size_t len) {
    return (MDB_val){.mv_data = (void *)(uintptr_t)data, .mv_size = len};
}

static MDB_val val_of_key(const struct store_key *key) {
    return val_of(key->bytes, sizeof key->bytes);
}

static struct age_key age_key(uint32_t age, const struct store_key *key) {
    return (struct age_key){.age = {(uint8_t)(age >> 24), (uint8_t)(age >> 16), (uint8_t)(age >> 8), (uint8_t)age},
                            .key = *key};
}

/* Whether the key has a use; copies it. */
static bool read_use(const struct store_txn *txn, const struct store_key *key, struct use *use) {
    MDB_val k = val_of_key(key), v;
    if (mdb_get(txn->txn, txn->tables[STORE_USES], &k, &v) != 0 || v.mv_size != sizeof *use)
        return false;
    memcpy(use, v.mv_data, sizeof *use);
    return true;
}

/* A record that is not there counts nothing. */
static void read_totals(const struct store_txn *txn, struct totals *totals) {
    MDB_val k = val_of(totals_name, sizeof totals_name), v;
    *totals = (struct totals){0};
    if (mdb_get(txn->txn, txn->tables[STORE_TOTALS], &k, &v) == 0 && v.mv_size == sizeof *totals)
        memcpy(totals, v.mv_data, sizeof *totals);
}

static int write_totals(const struct store_txn *txn, const struct totals *totals) {
    MDB_val k = val_of(totals_name, sizeof totals_name), v = val_of(totals, sizeof *totals);
    return mdb_put(txn->txn, txn->tables[STORE_TOTALS], &k, &v, 0);
}

/* Finds and checks a value, appending it to `out`. Returns 0, LMDB's status, or MDB_CORRUPTED for
 * this value alone. */
static int read_value(const struct store_txn *txn, const struct store_key *key, struct buffer *out, bool *damaged) {
    MDB_val k = val_of_key(key), v;
    *damaged = false;
    int status = mdb_get(txn->txn, txn->tables[STORE_VALUES], &k, &v);
    if (status != 0)
        return status;
    size_t len = v.mv_size >= CHECKSUM_SIZE ? v.mv_size - CHECKSUM_SIZE : 0;
    const char *value = (const char *)v.mv_data + CHECKSUM_SIZE;
    size_t start = out->len;
    uint8_t sum[CHECKSUM_SIZE];
    buffer_append(out, value, len);
    checksum(key, out->data ? out->data + start : "", len, sum);
    *damaged = v.mv_size < CHECKSUM_SIZE || memcmp(sum, v.mv_data, CHECKSUM_SIZE) != 0;
    if (*damaged)
        out->len = start;
    return 0;
}

/* Forgets an entry. Returns 0 (also where it is not there) or LMDB's status. */
static int delete_entry(const struct store_txn *txn, const struct store_key *key, struct totals *totals) {
    MDB_val k = val_of_key(key);
    struct use use;
    int status = mdb_del(txn->txn, txn->tables[STORE_VALUES], &k, NULL);
    if (status != 0 && status != MDB_NOTFOUND)
        return status;
    if (!read_use(txn, key, &use))
        return 0;
    struct age_key age = age_key(use.age, key);
    MDB_val a = val_of(&age, sizeof age);
    status = mdb_del(txn->txn, txn->tables[STORE_AGES], &a, NULL);
    if (status == 0 || status == MDB_NOTFOUND)
        status = mdb_del(txn->txn, txn->tables[STORE_USES], &k, NULL);
    totals->entries -= totals->entries > 0;
    totals->bytes -= use.bytes < totals->bytes ? use.bytes : totals->bytes;
    return status == MDB_NOTFOUND ? 0 : status;
}

static int write_use(const struct store_txn *txn, const struct store_key *key, uint64_t bytes) {
    struct use use = {.age = age_now(), .bytes = bytes};
    struct age_key age = age_key(use.age, key);
    MDB_val k = val_of_key(key), u = val_of(&use, sizeof use), a = val_of(&age, sizeof age), nothing = {0};
    int status = mdb_put(txn->txn, txn->tables[STORE_USES], &k, &u, 0);
    return status != 0 ? status : mdb_put(txn->txn, txn->tables[STORE_AGES], &a, &nothing, 0);
}

static int note_use(const struct store_txn *txn, const struct store_key *key) {
    struct use use;
    if (!read_use(txn, key, &use))
        return 0;
    struct age_key age = age_key(use.age, key);
    MDB_val a = val_of(&age, sizeof age);
    int status = mdb_del(txn->txn, txn->tables[STORE_AGES], &a, NULL);
    return status != 0 && status != MDB_NOTFOUND ? status : write_use(txn, key, use.bytes);
}

static int put_entry(const struct store_txn *txn, const struct store_change *change, struct totals *totals) {
    int status = delete_entry(txn, &change->key, totals);
    MDB_val k = val_of_key(&change->key), v = {.mv_size = CHECKSUM_SIZE + change->len};
    if (status == 0)
        status = mdb_put(txn->txn, txn->tables[STORE_VALUES], &k, &v, MDB_RESERVE);
    if (status != 0)
        return status;
    checksum(&change->key, change->value, change->len, v.mv_data);
    if (change->len > 0)
        memcpy((char *)v.mv_data + CHECKSUM_SIZE, change->value, change->len);
    uint64_t bytes = bytes_taken(change->len);
    totals->entries++;
    totals->bytes += bytes;
    totals->stored++;
    return write_use(txn, &change->key, bytes);
}

/* Lets the least recently used entries go: `count` of them, or fewer once no more than `bytes` are
 * left. */
static int evict(const struct store_txn *txn, struct totals *totals, unsigned count, uint64_t bytes) {
    int status = 0;
    while (status == 0 && count-- > 0 && totals->bytes > bytes) {
        MDB_cursor *cursor;
        MDB_val k, v;
        status = mdb_cursor_open(txn->txn, txn->tables[STORE_AGES], &cursor);
        if (status != 0)
            return status;
        status = mdb_cursor_get(cursor, &k, &v, MDB_FIRST);
        struct age_key oldest;
        bool known = status == 0 && k.mv_size == sizeof oldest;
        if (known)
            memcpy(&oldest, k.mv_data, sizeof oldest);
        else if (status == 0)
            status = MDB_CORRUPTED;
        mdb_cursor_close(cursor);
        if (!known)
            break;
        status = delete_entry(txn, &oldest.key, totals);
        totals->evicted += status == 0;
    }
    return status == MDB_NOTFOUND ? 0 : status;
}

/* What may be taken: the file also has pages of the tables and free ones. */
static uint64_t bytes_allowed(const struct store *store) {
    return store_env_limit(store->env) / 8 * 7;
}

/* Ends a transaction that writes. Returns LMDB's status. */
static int finish(struct store_txn *txn, int status) {
    if (status == 0)
        return store_env_commit(txn);
    store_env_judge(txn, status);
    store_env_abort(txn);
    return status;
}

static int apply(struct store *store, const struct store_change *changes, size_t count) {
    struct store_txn txn;
    struct totals totals;
    if (!store_env_begin(store->env, true, &txn))
        return MDB_PANIC;
    uint64_t allowed = bytes_allowed(store), hits = store->hits, misses = store->misses;
    int status = 0;
    read_totals(&txn, &totals);
    totals.hits += hits;
    totals.misses += misses;
    for (size_t i = 0; status == 0 && i < count; i++) {
        if (changes[i].value == NULL)
            status = note_use(&txn, &changes[i].key);
        else if (bytes_taken(changes[i].len) <= allowed / PART_MAX)
            status = put_entry(&txn, &changes[i], &totals);
    }
    if (status == 0 && totals.bytes > allowed)
        status = evict(&txn, &totals, EVICT_MAX, allowed / 10 * 9);
    if (status == 0)
        status = write_totals(&txn, &totals);
    status = finish(&txn, status);
    if (status == 0) {
        store->hits -= hits;
        store->misses -= misses;
        store->bytes = totals.bytes;
    }
    return status;
}

/* Makes room in a file that is as large as it may be. */
static int make_room(struct store *store) {
    struct store_txn txn;
    struct totals totals;
    if (!store_env_begin(store->env, true, &txn))
        return MDB_PANIC;
    read_totals(&txn, &totals);
    int status = evict(&txn, &totals, EVICT_MAX, totals.bytes / 10 * 9);
    if (status == 0)
        status = write_totals(&txn, &totals);
    return finish(&txn, status);
}

bool store_commit(struct store *store, const struct store_change *changes, size_t count) {
    for (int tries = 0; tries < 4; tries++) {
        int status = apply(store, changes, count);
        if (status != MDB_MAP_FULL)
            return status == 0;
        if (make_room(store) == MDB_MAP_FULL)
            store_env_discard(store->env);
    }
    return false;
}

/* Removes an entry that is damaged still. */
static void remove_damaged(struct store *store, const struct store_key *key) {
    struct store_txn txn;
    struct totals totals;
    struct buffer value = {0};
    bool damaged = false;
    if (!store_env_begin(store->env, true, &txn))
        return;
    read_totals(&txn, &totals);
    int status = read_value(&txn, key, &value, &damaged);
    if (status == 0 && damaged) {
        status = delete_entry(&txn, key, &totals);
        totals.damaged++;
        if (status == 0)
            status = write_totals(&txn, &totals);
    }
    buffer_deinit(&value);
    finish(&txn, status == MDB_NOTFOUND ? 0 : status);
}

bool store_get(struct store *store, const struct store_key *key, struct buffer *value, bool *used_anew) {
    struct store_txn txn;
    struct use use;
    bool damaged = false;
    *used_anew = false;
    int status = MDB_NOTFOUND;
    if (store_env_begin(store->env, false, &txn)) {
        status = read_value(&txn, key, value, &damaged);
        if (status == 0 && !damaged)
            *used_anew = read_use(&txn, key, &use) && use.age != age_now();
        store_env_judge(&txn, status);
        store_env_abort(&txn);
    }
    if (damaged)
        remove_damaged(store, key);
    bool hit = status == 0 && !damaged;
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
    store_env_sync(store->env);
}

void store_read_facts(struct store *store, struct store_facts *facts) {
    struct store_txn txn;
    struct totals totals = {0};
    if (store_env_begin(store->env, false, &txn)) {
        read_totals(&txn, &totals);
        store_env_abort(&txn);
    }
    store->bytes = totals.bytes;
    *facts = (struct store_facts){
        .entries = totals.entries,
        .bytes = totals.bytes,
        .limit = store_env_limit(store->env),
        .file_bytes = store_env_file_bytes(store->env),
        .hits = totals.hits + store->hits,
        .misses = totals.misses + store->misses,
        .stored = totals.stored,
        .evicted = totals.evicted,
        .damaged = totals.damaged,
    };
}

/* Appends the keys of the damaged values, in a transaction that reads. */
static void find_damaged(const struct store_txn *txn, struct buffer *keys) {
    MDB_cursor *cursor;
    MDB_val k, v;
    struct buffer value = {0};
    if (mdb_cursor_open(txn->txn, txn->tables[STORE_VALUES], &cursor) != 0)
        return;
    for (int status = mdb_cursor_get(cursor, &k, &v, MDB_FIRST); status == 0;
         status = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
        struct store_key key;
        bool damaged = true;
        if (k.mv_size != sizeof key)
            continue;
        memcpy(&key, k.mv_data, sizeof key);
        value.len = 0;
        if (read_value(txn, &key, &value, &damaged) != 0 || damaged)
            buffer_append(keys, &key, sizeof key);
    }
    mdb_cursor_close(cursor);
    buffer_deinit(&value);
}

uint64_t store_verify(struct store *store) {
    struct store_txn txn;
    struct buffer keys = {0};
    if (!store_env_begin(store->env, false, &txn))
        return 0;
    find_damaged(&txn, &keys);
    store_env_abort(&txn);
    uint64_t count = keys.len / sizeof(struct store_key);
    for (uint64_t i = 0; i < count; i++) {
        struct store_key key;
        memcpy(&key, keys.data + i * sizeof key, sizeof key);
        remove_damaged(store, &key);
    }
    buffer_deinit(&keys);
    return count;
}

void store_clear(struct store *store) {
    store_env_discard(store->env);
}

bool store_set_limit(struct store *store, uint64_t limit) {
    struct store_facts facts;
    for (;;) {
        struct store_txn txn;
        struct totals totals;
        if (!store_env_begin(store->env, true, &txn))
            return false;
        read_totals(&txn, &totals);
        uint64_t before = totals.bytes;
        int status = evict(&txn, &totals, EVICT_MAX, limit / 8 * 7);
        if (status == 0)
            status = write_totals(&txn, &totals);
        if (finish(&txn, status) != 0 || totals.bytes == before)
            break;
    }
    store_read_facts(store, &facts);
    return facts.bytes <= limit && store_env_compact(store->env, limit);
}
