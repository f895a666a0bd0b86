/* Unit tests of cache/cache: the changes that wait in a process, and when they are written; the pause after a store
 * that cannot be opened; and what the remote tier refuses. The clocks are the test's (--wrap=time,
 * --wrap=clock_gettime). */
#include "tests/unit/check.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "cache/cache.h"

#define HOUR 3600
#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

static time_t clock_now = 1000 * HOUR, clock_ahead;
time_t __wrap_time(time_t *out);
time_t __wrap_time(time_t *out) {
    if (out != NULL)
        *out = clock_now;
    return clock_now;
}

int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out) {
    int status = __real_clock_gettime(clock, out);
    out->tv_sec += clock_ahead;
    return status;
}

static char folder[] = "/tmp/pycompiled-cache-XXXXXX";
#define TESTS_MAX 8
static struct cache *caches[TESTS_MAX], *cache; /* they live until the process ends, the last one is used */
static unsigned opened;
static struct store *other; /* as another process has it */

static int begin(void **state) {
    char *why = NULL;
    snprintf(folder, sizeof folder, "/tmp/pycompiled-cache-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    cache = caches[opened++] = cache_open(folder, 0, &why);
    other = store_open(folder, 0, &why);
    return cache == NULL || other == NULL;
}

static int end(void **state) {
    store_close(other);
    char *command = xasprintf("rm -rf %s", folder);
    int status = system(command);
    free(command);
    return status;
}

static struct store_key key_of(unsigned number) {
    struct store_key key = {{0}};
    memcpy(key.bytes, &number, sizeof number);
    key.bytes[31] = 1;
    return key;
}

static void put(unsigned number, size_t len) {
    struct store_key key = key_of(number);
    struct buffer entry = {0};
    memset(buffer_reserve(&entry, len), 'x', len);
    entry.len = len;
    cache_put(cache, &key, &entry);
}

static uint64_t stored(void) {
    struct store_facts facts;
    store_read_facts(other, &facts);
    return facts.entries;
}

static bool use(unsigned number) {
    struct store_key key = key_of(number);
    struct buffer entry = {0};
    bool found = cache_get(cache, &key, &entry);
    buffer_deinit(&entry);
    return found;
}

/* Whether another process would note the entry as used in this hour, so nobody has. */
static bool is_used_anew(unsigned number) {
    struct store_key key = key_of(number);
    struct buffer value = {0};
    bool anew;
    assert_true(store_get(other, &key, &value, &anew));
    buffer_deinit(&value);
    return anew;
}

static void test_entries_that_wait(void **state) {
    for (unsigned i = 0; i < 32; i++)
        put(i, 100);
    assert_int_equal(stored(), 0);
    put(32, 100);
    assert_int_equal(stored(), 32);
    cache_flush(cache);
    assert_int_equal(stored(), 33);
}

static void test_bytes_that_wait(void **state) {
    put(1, 600 * KIB);
    put(2, 600 * KIB);
    assert_int_equal(stored(), 0);
    put(3, 100);
    assert_int_equal(stored(), 2);
}

static void test_uses_that_wait(void **state) {
    for (unsigned i = 0; i < 512; i++)
        put(i, 100);
    cache_flush(cache);
    clock_now += HOUR;
    for (unsigned i = 0; i < 511; i++)
        assert_true(use(i));
    assert_true(is_used_anew(0));
    assert_true(use(511));
    assert_false(is_used_anew(0));
    assert_false(is_used_anew(511));
}

/* A store that cannot be opened is left alone for a minute, however often it is asked. */
static void test_a_store_that_cannot_be_opened(void **state) {
    struct rlimit before, now;
    put(1, 100);
    cache_flush(cache);
    assert_true(use(1));
    getrlimit(RLIMIT_NOFILE, &before);
    char *command = xasprintf("cd %s/v2-*e && mv store aside && cp aside store", folder); /* another file */
    assert_int_equal(system(command), 0);
    char *away = xasprintf("rm %s/v2-*e/aside", folder);
    assert_int_equal(system(away), 0);
    now = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &now);
    assert_false(use(1));
    setrlimit(RLIMIT_NOFILE, &before);
    assert_false(use(1));
    clock_ahead += 59;
    assert_false(use(1));
    clock_ahead += 2;
    assert_true(use(1));
    free(command);
    free(away);
}

/* A remote tier whose server takes connections; what it says is left to the caller. */
static struct remote *make_remote(int *listener, unsigned timeout_ms, struct remote_state **shared) {
    static struct remote_address addresses[TESTS_MAX]; /* borrowed for as long */
    static unsigned count;
    struct remote_address *address = &addresses[count++];
    char *why = NULL, *text = xasprintf("unix://%s/redis", folder);
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    snprintf(place.sun_path, sizeof place.sun_path, "%s/redis", folder);
    *listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(*listener, (struct sockaddr *)&place, sizeof place), 0);
    assert_int_equal(listen(*listener, 8), 0);
    assert_int_equal(remote_address_parse(text, address, &why), 0);
    free(text);
    int fd;
    *shared = remote_state_new(&fd);
    assert_non_null(*shared);
    close(fd);
    return remote_new(&(struct remote_setting){
        .address = address, .secret = "a secret of 16 bytes", .timeout_ms = timeout_ms, .state = *shared});
}

/* Joins a remote tier whose server says nothing. */
static struct remote_state *join_silent_server(int *listener) {
    struct remote_state *shared;
    cache_join(cache, make_remote(listener, 500, &shared));
    return shared;
}

static void test_too_large_for_the_remote_server(void **state) {
    int listener;
    const struct remote_state *shared = join_silent_server(&listener);
    put(1, 32 * MIB);
    assert_int_equal(shared->counts.dropped, 0);
    put(2, 32 * MIB + 1);
    assert_int_equal(shared->counts.dropped, 1);
    close(listener);
}

/* One batch of these is with the server; 64 MiB more may wait. */
static void test_too_much_for_the_remote_server(void **state) {
    int listener;
    const struct remote_state *shared = join_silent_server(&listener);
    for (unsigned i = 0; i < 10; i++)
        put(i, 20 * MIB);
    assert_in_range(shared->counts.dropped, 6, 7);
    close(listener);
}

/* Takes one connection, and answers with values as long as the peer reads. */
static void *flood(void *listener) {
    int fd = accept(*(int *)listener, NULL, NULL);
    size_t len = 20 * MIB;
    char head[32], *value = xcalloc(1, len + 2);
    memcpy(value + len, "\r\n", 2);
    snprintf(head, sizeof head, "$%zu\r\n", len);
    for (int i = 0; i < 6; i++)
        if (io_send_all(fd, head, strlen(head)) < 0 || io_send_all(fd, value, len + 2) < 0)
            break;
    free(value);
    return (void *)(intptr_t)fd;
}

/* Values that nobody has taken yet are bounded: 60 MiB are kept, and the rest are misses. */
static void test_too_many_values(void **state) {
    static struct remote *remote; /* it lives until the process ends */
    int listener;
    void *fd;
    struct remote_state *shared;
    remote = make_remote(&listener, 60000, &shared);
    struct remote_ticket tickets[6];
    struct store_key key = {{1}};
    struct buffer entry = {0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, flood, &listener), 0);
    for (size_t i = 0; i < 6; i++)
        tickets[i] = remote_ask(remote, &key);
    for (size_t i = 6; i-- > 0;) /* the last one first: all have come then */
        assert_false(remote_take(remote, &key, &tickets[i], &entry));
    assert_int_equal(shared->counts.misses, 6);
    assert_int_equal(shared->counts.refused, 3); /* a value that is kept has no seal */
    pthread_join(thread, &fd);
    close((int)(intptr_t)fd);
    close(listener);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_entries_that_wait),
        TEST(test_bytes_that_wait),
        TEST(test_uses_that_wait),
        TEST(test_a_store_that_cannot_be_opened),
        TEST(test_too_large_for_the_remote_server),
        TEST(test_too_much_for_the_remote_server),
        TEST(test_too_many_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
