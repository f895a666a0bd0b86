/* What tests/torture/run runs for the store: works with a store while memory fails, and has no wish but that nothing
 * wrong comes back. With a folder as its argument it looks at the store that such a run has left there.
 *
 * Exits with 1 and a word where a value is not the one that was put, where values count as damaged that nobody has
 * damaged, where an error comes without a message, and where a store of an earlier run cannot be used. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "cache/store.h"

#define ENTRIES 40u
#define BATCH 8u
#define LIMIT ((uint64_t)32 << 20)

static _Noreturn void wrong(const char *what) {
    fprintf(stderr, "wrong: %s\n", what);
    exit(1);
}

static struct store_key key_of(unsigned n) {
    struct store_key key;
    memset(key.bytes, (int)n, sizeof key.bytes);
    return key;
}

/* Values of a few bytes and of more than a page. */
static size_t len_of(unsigned n) {
    return 1 + (size_t)n * 977 % 9000;
}

static void fill(unsigned n, struct buffer *value) {
    for (size_t i = 0; i < len_of(n); i++)
        buffer_append_char(value, (char)(n * 31 + i));
}

static struct store *open_store(const char *folder) {
    char *why = NULL;
    struct store *store = store_open(folder, LIMIT, &why);
    if (store == NULL && (why == NULL || *why == '\0'))
        wrong("a store cannot be opened, without a word");
    free(why);
    return store;
}

static bool put(struct store *store, unsigned first) {
    struct buffer values[BATCH] = {0};
    struct store_change changes[BATCH];
    for (unsigned i = 0; i < BATCH; i++) {
        fill(first + i, &values[i]);
        changes[i] = (struct store_change){key_of(first + i), values[i].data, values[i].len};
    }
    bool fine = store_commit(store, changes, BATCH) == 0;
    for (unsigned i = 0; i < BATCH; i++)
        buffer_deinit(&values[i]);
    return fine;
}

/* How many of all entries there are. */
static unsigned get_all(struct store *store) {
    unsigned found = 0;
    for (unsigned n = 0; n < ENTRIES; n++) {
        struct buffer wanted = {0}, value = {0};
        bool used_anew;
        struct store_key key = key_of(n);
        fill(n, &wanted);
        if (store_get(store, &key, &value, &used_anew)) {
            found++;
            if (value.len != wanted.len || memcmp(value.data, wanted.data, wanted.len) != 0)
                wrong("a value is not what was put");
        }
        buffer_deinit(&wanted);
        buffer_deinit(&value);
    }
    return found;
}

static void expect_no_damage(struct store *store) {
    struct store_facts facts = {0};
    if (store_verify(store) != 0)
        wrong("values are damaged");
    store_read_facts(store, &facts);
    if (facts.damaged != 0)
        wrong("values count as damaged");
}

static void work(struct store *store, const char *folder) {
    for (unsigned first = 0; first < ENTRIES / 2; first += BATCH)
        put(store, first);
    get_all(store);
    struct store *other = open_store(folder);
    if (other != NULL) {
        put(other, ENTRIES / 2);
        get_all(other);
        other = store_close(other);
    }
    store_set_limit(store, LIMIT / 2);
    get_all(store);
    expect_no_damage(store);
    store_clear(store);
    for (unsigned first = 0; first < ENTRIES; first += BATCH)
        put(store, first);
    store_sync(store);
    get_all(store);
}

/* A later run has memory again: it must get along with whatever was left. */
static int look(const char *folder) {
    struct store *store = open_store(folder);
    if (store == NULL)
        wrong("the store of an earlier run cannot be opened");
    get_all(store);
    expect_no_damage(store);
    for (unsigned first = 0; first < ENTRIES; first += BATCH)
        if (!put(store, first))
            wrong("the store of an earlier run cannot be written");
    if (get_all(store) != ENTRIES)
        wrong("the store of an earlier run does not keep entries");
    store_close(store);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2)
        return look(argv[1]);
    char folder[] = "/tmp/pycompiled-torture-XXXXXX";
    if (mkdtemp(folder) == NULL)
        return 1;
    struct store *store = open_store(folder);
    if (store == NULL) /* one allocation that failed is no reason for good */
        store = open_store(folder);
    if (store == NULL && getenv("PYCOMPILED_FAIL_ON") == NULL)
        wrong("a store cannot be opened again");
    if (store != NULL)
        work(store, folder);
    store_close(store);
    return 0;
}
