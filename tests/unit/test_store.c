/* Unit tests of cache/store: values that come back, entries that leave, and files that are removed, torn or damaged.
 * The clock is the test's (--wrap=time). tests/test_cache.py has processes that are killed. */
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cache/folder.h"
#include "cache/store.h"
#include "cache/store_space.h"

#define HOUR 3600
#define MIB ((uint64_t)1 << 20)

static time_t clock_now = 1000 * HOUR;
time_t __wrap_time(time_t *out);
time_t __wrap_time(time_t *out) {
    if (out != NULL)
        *out = clock_now;
    return clock_now;
}

static char folder[] = "/tmp/pycompiled-store-XXXXXX";

static struct store *open_store(uint64_t limit) {
    char *why = NULL;
    struct store *store = store_open(folder, limit, &why);
    assert_string_equal(why ? why : "", "");
    assert_non_null(store);
    return store;
}

static int make_folder(void **state) {
    snprintf(folder, sizeof folder, "/tmp/pycompiled-store-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state) {
    char *command = xasprintf("rm -rf %s", folder);
    int status = system(command);
    free(command);
    return status;
}

/* A file of the format's folder; the caller frees. */
static char *file(const char *name) {
    char *path = xasprintf("ls -d %s/v2-*", folder), line[256] = "";
    FILE *pipe = popen(path, "r");
    assert_non_null(fgets(line, sizeof line, pipe));
    pclose(pipe);
    free(path);
    line[strcspn(line, "\n")] = '\0';
    return xasprintf("%s/%s", line, name);
}

static struct store_key key_of(unsigned number) {
    struct store_key key = {{0}};
    memcpy(key.bytes, &number, sizeof number);
    key.bytes[31] = 1;
    return key;
}

static void fill(unsigned number, char *value, size_t len) {
    for (size_t i = 0; i < len; i++)
        value[i] = (char)(number * 31 + i * 7 + i / 256);
}

static void put(struct store *store, unsigned number, size_t len) {
    char *value = xmalloc(len + 1);
    fill(number, value, len);
    struct store_change change = {.key = key_of(number), .value = value, .len = len};
    store_commit(store, &change, 1);
    free(value);
}

static bool use(struct store *store, unsigned number, size_t len) {
    struct buffer value = {0};
    struct store_key key = key_of(number);
    bool anew, found = store_get(store, &key, &value, &anew);
    if (found) {
        char *wanted = xmalloc(len + 1);
        fill(number, wanted, len);
        assert_int_equal(value.len, len);
        if (len > 0)
            assert_memory_equal(value.data, wanted, len);
        free(wanted);
    }
    if (anew) {
        struct store_change change = {.key = key};
        store_commit(store, &change, 1);
    }
    buffer_deinit(&value);
    return found;
}

static struct store_facts facts_of(struct store *store) {
    struct store_facts facts;
    store_read_facts(store, &facts);
    return facts;
}

static void test_round_trip(void **state) {
    static const size_t lengths[] = {0, 1, 100, 1900, 4000, 4096, 5000, 100000};
    struct store *store = open_store(0);
    for (unsigned i = 0; i < 8; i++) {
        assert_false(use(store, i, lengths[i]));
        put(store, i, lengths[i]);
        assert_true(use(store, i, lengths[i]));
    }
    store_close(store);
    store = open_store(0);
    for (unsigned i = 0; i < 8; i++)
        assert_true(use(store, i, lengths[i]));
    put(store, 2, 50); /* another value of a key */
    assert_true(use(store, 2, 50));
    struct store_facts facts = facts_of(store);
    assert_int_equal(facts.entries, 8);
    assert_int_equal(facts.hits, 17);
    assert_int_equal(facts.misses, 8);
    assert_int_equal(facts.stored, 9);
    assert_int_equal(facts.limit, STORE_LIMIT_DEFAULT);
    assert_int_equal(facts.damaged + facts.evicted, 0);
    assert_int_equal(store_verify(store), 0);
    store_close(store);
}

static void test_least_recently_used_leaves(void **state) {
    struct store *store = open_store(STORE_LIMIT_MIN);
    const unsigned count = 3000;
    for (unsigned i = 0; i < count; i++) {
        clock_now += i % 100 == 0 ? HOUR : 0;
        put(store, i, 18000);
        use(store, 0, 18000); /* noted once an hour */
        struct store_facts facts = facts_of(store);
        assert_true(facts.bytes <= facts.limit);
        assert_true(facts.file_bytes <= facts.limit);
    }
    struct store_facts facts = facts_of(store);
    assert_int_equal(facts.entries + facts.evicted, count);
    assert_true(facts.entries > 400);
    assert_true(use(store, 0, 18000));
    assert_false(use(store, 1, 18000));
    for (unsigned i = count - 300; i < count; i++)
        assert_true(use(store, i, 18000));
    assert_int_equal(store_verify(store), 0);
    put(store, count, STORE_LIMIT_MIN); /* larger than may be */
    assert_false(use(store, count, STORE_LIMIT_MIN));
    assert_true(use(store, 0, 18000));
    store_close(store);
}

static void test_limit(void **state) {
    struct store *store = open_store(64 * MIB);
    for (unsigned i = 0; i < 1500; i++)
        put(store, i, 30000);
    assert_true(facts_of(store).file_bytes > 40 * MIB);
    assert_int_equal(store_set_limit(store, 20 * MIB), 0);
    struct store_facts facts = facts_of(store);
    assert_int_equal(facts.limit, 20 * MIB);
    assert_true(facts.file_bytes <= 20 * MIB);
    assert_true(facts.entries > 300);
    assert_int_equal(store_verify(store), 0);
    store_close(store);
    store = open_store(0);
    assert_int_equal(facts_of(store).limit, 20 * MIB);
    assert_int_equal(store_set_limit(store, 100 * MIB), 0);
    for (unsigned i = 0; i < 2500; i++)
        put(store, i, 30000);
    assert_int_equal(facts_of(store).entries, 2500);
    store_close(store);
}

static void test_the_longest_value(void **state) {
    struct store *store = open_store(1024 * MIB); /* its segments have room for longer ones */
    put(store, 1, STORE_VALUE_MAX);
    put(store, 2, STORE_VALUE_MAX + 1);
    assert_true(use(store, 1, STORE_VALUE_MAX));
    assert_false(use(store, 2, STORE_VALUE_MAX + 1));
    assert_int_equal(facts_of(store).entries, 1);
    assert_int_equal(facts_of(store).damaged, 0);
    store_close(store);
}

/* Writes an entry whose value is all zeros and never written, with checks of its head that are right. */
static void craft(unsigned number, uint32_t len, uint64_t file_size) {
    struct store_file store;
    char *path = file("store");
    assert_int_equal(store_file_open(&store, AT_FDCWD, path), 0);
    struct store_key key = key_of(number);
    struct store_slot slot;
    uint64_t at = store_file_find_room(&store, &key, &slot), place = store_file_segment_start(&store, 8);
    char *zeros = xcalloc(1, len);
    assert_int_equal(store_file_write_record(&store, place, &key, zeros, len), 0);
    free(zeros);
    assert_int_equal(ftruncate(store.fd, (off_t)(place + file_size)), 0);
    slot = (struct store_slot){.place = place, .len = len};
    memcpy(slot.tag, key.bytes, STORE_TAG_SIZE);
    assert_int_equal(store_file_write_slot(&store, at, &slot), 0);
    store_file_close(&store);
    free(path);
}

/* A record that claims a great length, by somebody who knows the checks, makes no process take that memory: not if no
 * value may be so long, nor if the file has not so many bytes. */
static void test_crafted_lengths(void **state) {
    static const struct {
        uint32_t len;
        uint64_t file_size;
        size_t most; /* memory */
    } cases[] = {
        {STORE_VALUE_MAX + 1, STORE_VALUE_MAX + 4096, MIB},
        {60 * (uint32_t)MIB, 60 * MIB + 4096, MIB},
        {STORE_VALUE_MAX, 2 * MIB, 8 * MIB},
        {STORE_VALUE_MAX, 4096, MIB},
    };
    struct store *store = open_store(1024 * MIB);
    put(store, 1, 3000);
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        craft(100 + i, cases[i].len, cases[i].file_size);
        struct buffer value = {0};
        struct store_key key = key_of(100 + i);
        bool anew;
        assert_false(store_get(store, &key, &value, &anew));
        assert_true(value.cap <= cases[i].most);
        buffer_deinit(&value);
        assert_true(use(store, 1, 3000));
    }
    store_close(store);
}

static void test_clear(void **state) {
    struct store *store = open_store(1024 * MIB); /* the default of 32 bits has no room for so long a value */
    put(store, 1, 20 * MIB);
    assert_true(facts_of(store).file_bytes > 20 * MIB);
    store_clear(store);
    assert_false(use(store, 1, 20 * MIB));
    assert_true(facts_of(store).file_bytes < MIB);
    put(store, 1, 10);
    assert_true(use(store, 1, 10));
    store_close(store);
}

/* Changes bytes of the file where `wanted` stands. */
static void damage(const char *wanted, size_t len) {
    char *path = file("store");
    struct stat st;
    int fd = open(path, O_RDWR);
    assert_int_equal(fstat(fd, &st), 0);
    char *data = xmalloc((size_t)st.st_size);
    assert_int_equal(pread(fd, data, (size_t)st.st_size, 0), st.st_size);
    char *found = memmem(data, (size_t)st.st_size, wanted, len);
    assert_non_null(found);
    assert_int_equal(pwrite(fd, "!", 1, found - data + (off_t)len / 2), 1);
    close(fd);
    free(data);
    free(path);
}

static void test_damaged_value(void **state) {
    struct store *store = open_store(0);
    char value[20000];
    put(store, 1, sizeof value);
    put(store, 2, sizeof value);
    put(store, 3, sizeof value);
    fill(2, value, sizeof value);
    damage(value, sizeof value);
    assert_false(use(store, 2, sizeof value));
    assert_true(use(store, 1, sizeof value));
    struct store_facts facts = facts_of(store);
    assert_int_equal(facts.damaged, 1);
    assert_int_equal(facts.entries, 2);
    fill(3, value, sizeof value);
    damage(value, sizeof value);
    assert_int_equal(store_verify(store), 1);
    assert_int_equal(store_verify(store), 0);
    assert_int_equal(facts_of(store).entries, 1);
    put(store, 2, sizeof value);
    assert_true(use(store, 2, sizeof value));
    store_close(store);
}

/* A process that crashes on a file dies, and the next one does not find the file. */
static void test_damaged_file(void **state) {
    struct store *store = open_store(0);
    for (unsigned i = 0; i < 200; i++)
        put(store, i, 3000);
    store_close(store);
    char *path = file("store");
    int fd = open(path, O_RDWR);
    for (off_t page = 2; page < 600; page++) /* all but the header; most are of the index */
        assert_int_equal(
            pwrite(fd, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16, page * 4096 + 8), 16);
    close(fd);
    free(path);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        char *why = NULL;
        store = store_open(folder, 0, &why);
        struct buffer value = {0};
        for (unsigned i = 0; store != NULL && i < 200; i++) {
            struct store_key key = key_of(i);
            bool anew;
            store_get(store, &key, &value, &anew);
        }
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    store = open_store(0);
    put(store, 7, 3000);
    assert_true(use(store, 7, 3000));
    assert_int_equal(store_verify(store), 0);
    store_close(store);
}

static void test_not_a_store(void **state) {
    store_close(open_store(0));
    char *path = file("store");
    FILE *out = fopen(path, "w");
    for (int i = 0; i < 10000; i++)
        fputs("this is no store\n", out);
    fclose(out);
    free(path);
    struct store *store = open_store(0);
    put(store, 1, 100);
    assert_true(use(store, 1, 100));
    store_close(store);
}

static void test_removed_while_open(void **state) {
    struct store *store = open_store(0);
    put(store, 1, 100);
    char *path = file("store"), *command = xasprintf("rm -rf %s/*", folder);
    assert_int_equal(unlink(path), 0);
    assert_false(use(store, 1, 100));
    put(store, 2, 100);
    assert_true(use(store, 2, 100));
    assert_int_equal(system(command), 0); /* with its folder: off */
    assert_false(use(store, 2, 100));
    put(store, 3, 100);
    assert_false(use(store, 3, 100));
    free(path);
    free(command);
    store_close(store);
    store = open_store(0);
    put(store, 4, 100);
    assert_true(use(store, 4, 100));
    store_close(store);
}

static void pretend_other_boot(void) {
    char *path = file("boot");
    FILE *out = fopen(path, "w");
    fputs("another boot\n", out);
    fclose(out);
    free(path);
}

/* After a power cut only a store that was synced to the disk is used. */
static void test_boot(void **state) {
    struct store *store = open_store(0);
    put(store, 1, 100);
    store_close(store);
    pretend_other_boot();
    store = open_store(0);
    assert_false(use(store, 1, 100));
    put(store, 1, 100);
    store_sync(store);
    store_close(store);
    pretend_other_boot();
    store = open_store(0);
    assert_true(use(store, 1, 100));
    put(store, 2, 100); /* no longer clean */
    store_close(store);
    pretend_other_boot();
    store = open_store(0);
    assert_false(use(store, 1, 100));
    store_close(store);
}

/* A disk that is full, as far as this process can tell. */
static void test_full_disk(void **state) {
    struct store *store = open_store(0);
    for (unsigned i = 0; i < 100; i++)
        put(store, i, 10000);
    char *path = file("store");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    struct rlimit before, now;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    now = (struct rlimit){.rlim_cur = (rlim_t)st.st_size + 50000, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &now);
    for (unsigned i = 100; i < 200; i++)
        put(store, i, 10000);
    for (unsigned i = 0; i < 100; i++)
        assert_true(use(store, i, 10000));
    assert_false(use(store, 199, 10000));
    setrlimit(RLIMIT_FSIZE, &before);
    put(store, 300, 10000);
    for (unsigned i = 0; i < 200; i++)
        use(store, i, 10000);
    assert_true(use(store, 300, 10000));
    assert_int_equal(store_verify(store), 0);
    free(path);
    store_close(store);
}

static void test_two_processes(void **state) {
    struct store *store = open_store(0);
    put(store, 1, 5000);
    pid_t child = fork();
    if (child == 0) {
        char *why;
        struct store *own = store_open(folder, 0, &why);
        put(own, 2, 5000);
        int status = own != NULL && use(own, 1, 5000) ? 0 : 1;
        store_clear(own);
        put(own, 3, 5000);
        store_close(own);
        _exit(status);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_false(use(store, 1, 5000));
    assert_true(use(store, 3, 5000));
    put(store, 4, 5000);
    assert_true(use(store, 4, 5000));
    store_close(store);
}

static void write_at(off_t at, const void *data, size_t len) {
    char *path = file("store");
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, data, len, at), len);
    close(fd);
    free(path);
}

/* Every byte of the header and of a slot's bucket changed, while the store is open and before it is opened: what is
 * found is right, and the store goes on. */
static void test_damaged_bytes(void **state) {
    for (off_t at = 0; at < 352; at++) {
        struct store *store = open_store(STORE_LIMIT_MIN);
        put(store, 1, 100);
        put(store, 2, 5000);
        write_at(at, at % 2 ? "\xff" : "\x01", 1);
        if (at % 3 == 0) {
            store_close(store);
            store = open_store(0);
        }
        use(store, 1, 100);
        put(store, 3, 100);
        assert_true(use(store, 3, 100));
        assert_int_equal(store_verify(store), 0);
        assert_true(facts_of(store).entries >= 1);
        store_close(store);
    }
}

static void test_cut_short(void **state) {
    for (off_t size = 0; size < 300000; size += size < 400 ? 37 : 9973) {
        struct store *store = open_store(STORE_LIMIT_MIN);
        put(store, 1, 100);
        put(store, 2, 50000);
        char *path = file("store");
        assert_int_equal(truncate(path, size), 0);
        free(path);
        use(store, 1, 100);
        use(store, 2, 50000);
        put(store, 3, 100);
        assert_true(use(store, 3, 100));
        store_verify(store);
        assert_true(use(store, 3, 100));
        assert_int_equal(store_set_limit(store, 2 * STORE_LIMIT_MIN), 0);
        assert_true(use(store, 3, 100));
        store_close(store);
    }
}

/* A process that was stopped while it wrote keeps the lock: reading goes on, writing gives up soon and then at once. */
static void test_lock_is_kept(void **state) {
    struct store *store = open_store(0);
    put(store, 1, 100);
    char *path = file(".");
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    int64_t start = clock_ms();
    struct store_change change = {.key = key_of(2), .value = "x", .len = 1};
    for (int i = 0; i < 20; i++) {
        assert_int_equal(store_commit(store, &change, 1), -EAGAIN);
        assert_true(use(store, 1, 100));
    }
    assert_true(clock_ms() - start < 2000); /* one wait of 300 ms */
    struct store *other = open_store(0);
    assert_true(use(other, 1, 100));
    store_close(other);
    assert_int_equal(store_clear(store), 0);
    assert_false(use(store, 1, 100));
    flock(fd, LOCK_UN);
    close(fd);
    free(path);
    store_close(store);
    store = open_store(0);
    put(store, 2, 100);
    assert_true(use(store, 2, 100));
    store_close(store);
}

/* A writer that is killed before it has ended: what it had put is there, and the next writer counts again. */
static void test_writer_is_killed(void **state) {
    struct store *store = open_store(STORE_LIMIT_MIN);
    for (unsigned i = 0; i < 10; i++)
        put(store, i, 1000);
    char *path = file(".");
    int folder_fd = open(path, O_RDONLY | O_DIRECTORY);
    free(path);
    struct store_file raw;
    struct store_writer writer;
    assert_int_equal(store_file_open(&raw, folder_fd, "store"), 0);
    assert_int_equal(store_space_begin(&writer, &raw, (uint32_t)(clock_now / HOUR)), 0);
    char value[1000];
    for (unsigned i = 5; i < 20; i++) {
        struct store_key key = key_of(i);
        fill(i, value, sizeof value);
        assert_int_equal(store_space_put(&writer, &key, value, sizeof value, writer.now), 0);
    }
    store_file_close(&raw); /* without store_space_end() */
    close(folder_fd);
    for (unsigned i = 0; i < 20; i++)
        assert_true(use(store, i, 1000));
    put(store, 20, 1000);
    assert_int_equal(facts_of(store).entries, 21);
    for (unsigned i = 0; i <= 20; i++)
        assert_true(use(store, i, 1000));
    assert_int_equal(store_verify(store), 0);
    store_close(store);
}

#define THREADS 3
#define ROUNDS 400

/* Puts and looks up what the others put, too. */
static void *use_store(void *argument) {
    struct store *store = argument;
    unsigned seed = (unsigned)(gettid() * 7919);
    for (unsigned i = 0; i < ROUNDS; i++) {
        seed = seed * 1664525 + 1013904223;
        put(store, seed >> 8 & 1023, (seed >> 8 & 1023) * 50);
        for (unsigned j = 0; j < 4; j++) {
            seed = seed * 1664525 + 1013904223;
            use(store, seed >> 8 & 1023, (seed >> 8 & 1023) * 50);
        }
    }
    return NULL;
}

/* Threads of several processes, in a store so small that segments are used again all the while: no value is wrong, and
 * a reader that meets a writer takes nothing for damaged. */
static void test_many_at_once(void **state) {
    pid_t children[2];
    store_close(open_store(STORE_LIMIT_MIN));
    for (int i = 0; i < 2; i++) {
        if ((children[i] = fork()) != 0)
            continue;
        pthread_t threads[THREADS];
        struct store *own = open_store(0);
        for (int j = 0; j < THREADS; j++)
            pthread_create(&threads[j], NULL, use_store, own);
        for (int j = 0; j < THREADS; j++)
            pthread_join(threads[j], NULL);
        store_close(own);
        _exit(0);
    }
    for (int i = 0; i < 2; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    struct store *store = open_store(0);
    struct store_facts facts = facts_of(store);
    assert_int_equal(facts.damaged, 0);
    assert_true(facts.evicted > 0);
    assert_true(facts.stored > ROUNDS); /* a busy machine may keep the lock for so long that some are left out */
    assert_int_equal(store_verify(store), 0);
    assert_int_equal(facts_of(store).entries, facts.entries);
    assert_int_equal(facts_of(store).bytes, facts.bytes);
    store_close(store);
}

/* Keys of one bucket: the least recently used leaves, and is counted. */
static void test_full_bucket(void **state) {
    struct store *store = open_store(STORE_LIMIT_MIN);
    const unsigned buckets = (unsigned)(STORE_LIMIT_MIN >> 16), slots = 32;
    for (unsigned i = 0; i < slots + 3; i++) {
        clock_now += HOUR;
        put(store, i * buckets, 100);
    }
    struct store_facts facts = facts_of(store);
    assert_int_equal(facts.entries, slots);
    assert_int_equal(facts.evicted, 3);
    for (unsigned i = 0; i < slots + 3; i++)
        assert_int_equal(use(store, i * buckets, 100), i >= 3);
    store_close(store);
}

/* It is cleared whatever is in its place, without being opened. */
static void test_clear_folder(void **state) {
    char *why = NULL;
    assert_int_equal(store_clear_folder(folder, &why), 0); /* there is none yet */
    struct store *store = open_store(STORE_LIMIT_MIN);
    put(store, 1, 100);
    char *path = file("store");
    write_at(41, "\0", 1);
    assert_int_equal(store_clear_folder(folder, &why), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_false(use(store, 1, 100));
    put(store, 1, 100);
    assert_true(use(store, 1, 100));
    assert_int_equal(facts_of(store).limit, STORE_LIMIT_MIN);
    store_close(store);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(store_clear_folder(folder, &why), 0);
    assert_int_equal(access(path, F_OK), -1);
    free(path);
}

static void test_folder(void **state) {
    char *why = NULL;
    setenv("PYCOMPILED_CACHE_DIR", "/somewhere", 1);
    setenv("XDG_CACHE_HOME", "/xdg", 1);
    setenv("HOME", "/home/me", 1);
    static const char *const variables[] = {"PYCOMPILED_CACHE_DIR", "XDG_CACHE_HOME", ""};
    static const char *const wanted[] = {"/somewhere", "/xdg/pycompiled", "/home/me/.cache/pycompiled"};
    for (int i = 0; i < 3; i++) {
        char *path = folder_locate(NULL);
        assert_string_equal(path, wanted[i]);
        free(path);
        if (*variables[i])
            setenv(variables[i], "", 1); /* as good as not there */
    }
    char *deep = xasprintf("%s/a/b/c", folder);
    assert_null(strstr(deep, "XXXXXX"));
    int fd = folder_open(deep, &why);
    assert_true(fd >= 0);
    close(fd);
    struct stat st;
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(chmod(deep, 0770), 0);
    assert_int_equal(folder_open(deep, &why), -EPERM);
    assert_non_null(strstr(why, "other users"));
    free(why);
    free(deep);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip),
        TEST(test_least_recently_used_leaves),
        TEST(test_limit),
        TEST(test_clear),
        TEST(test_the_longest_value),
        TEST(test_crafted_lengths),
        TEST(test_damaged_value),
        TEST(test_damaged_file),
        TEST(test_not_a_store),
        TEST(test_removed_while_open),
        TEST(test_boot),
        TEST(test_full_disk),
        TEST(test_two_processes),
        TEST(test_folder),
        TEST(test_damaged_bytes),
        TEST(test_cut_short),
        TEST(test_lock_is_kept),
        TEST(test_writer_is_killed),
        TEST(test_full_bucket),
        TEST(test_many_at_once),
        TEST(test_clear_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
