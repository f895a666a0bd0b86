/* Unit tests of the remote tier's pure parts: cache/remote/redis_url, cache/remote/seal, cache/remote/state. The clock
 * is the test's (--wrap=clock_gettime). tests/test_remote_cache.py has real servers. */
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cache/remote/redis_url.h"
#include "cache/remote/seal.h"
#include "cache/remote/state.h"

static time_t now_s = 1000;
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out) {
    *out = (struct timespec){.tv_sec = now_s};
    return 0;
}

/* All that was understood; fields that are not there are '-'. */
static char *describe(const char *text) {
    struct redis_url url;
    char *why = NULL;
    if (redis_url_parse(text, &url, &why) < 0) {
        free(why);
        return xstrdup("none");
    }
    char *shown = redis_url_show(&url);
    char *all = xasprintf("%s %s %s %d %s %s %u %s %s", url.tls ? "tls" : "plain", url.path ? url.path : "-",
                          url.host ? url.host : "-", url.port, url.user ? url.user : "-",
                          url.password ? url.password : "-", url.db, url.ca_file ? url.ca_file : "-", shown);
    free(shown);
    redis_url_deinit(&url);
    return all;
}

static void test_urls(void **state) {
    static const char *const cases[][2] = {
        {"redis://", "plain - localhost 6379 - - 0 - redis://localhost:6379"},
        {"redis://h", "plain - h 6379 - - 0 - redis://h:6379"},
        {"redis://h/", "plain - h 6379 - - 0 - redis://h:6379"},
        {"redis://:7000/2", "plain - localhost 7000 - - 2 - redis://localhost:7000/2"},
        {"valkey://h:1/15", "plain - h 1 - - 15 - redis://h:1/15"},
        {"redis://:p@h", "plain - h 6379 - p 0 - redis://h:6379"},
        {"redis://u:p%40%2f:@h:1", "plain - h 1 u p@/: 0 - redis://h:1"},
        {"redis://u:@h", "plain - h 6379 u  0 - redis://h:6379"},
        {"redis://[::1]", "plain - ::1 6379 - - 0 - redis://[::1]:6379"},
        {"redis://u:p@[fe80::1]:7/3", "plain - fe80::1 7 u p 3 - redis://[fe80::1]:7/3"},
        {"rediss://h?ssl_ca_certs=/a%20b.pem&db=4", "tls - h 6379 - - 4 /a b.pem rediss://h:6379/4"},
        {"valkeys://h", "tls - h 6379 - - 0 - rediss://h:6379"},
        {"unix:///a/b.sock", "plain /a/b.sock - 0 - - 0 - unix:///a/b.sock"},
        {"unix://u:p@/a%3Fb?db=9", "plain /a?b - 0 u p 9 - unix:///a?b?db=9"},
        {"redis://h?", "plain - h 6379 - - 0 - redis://h:6379"},
        {"", "none"},
        {"h", "none"},
        {"redis:/h", "none"},
        {"REDIS://h", "none"},
        {"redis://u@h", "none"},
        {"redis://u:%4@h", "none"},
        {"redis://u:%@h", "none"},
        {"redis://%00:x@h", "none"},
        {"redis://h:", "none"},
        {"redis://h:0", "none"},
        {"redis://h:65536", "none"},
        {"redis://h:+1", "none"},
        {"redis://h:1x", "none"},
        {"redis://[::1", "none"},
        {"redis://[::1]1", "none"},
        {"redis://h/-1", "none"},
        {"redis://h/1/2", "none"},
        {"redis://h?ssl_ca_certs=/a", "none"},
        {"rediss://h?ssl_ca_certs=/a&ssl_ca_certs=/b", "none"},
        {"redis://h?db=", "none"},
        {"unix://", "none"},
        {"unix://a/b", "none"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *found = describe(cases[i][0]);
        if (strcmp(found, cases[i][1]) != 0)
            fail_msg("'%s': %s", cases[i][0], found);
        free(found);
    }
}

static void test_seals(void **state) {
    struct remote_keys keys, others;
    struct store_key key = {{1, 2, 3}}, other_key = {{1, 2, 4}};
    char name[REMOTE_NAME_SIZE], other_name[REMOTE_NAME_SIZE];
    struct buffer value = {0}, entry = {0};
    remote_seal_derive("0123456789abcdef", &keys);
    remote_seal_derive("0123456789abcdeg", &others);
    assert_memory_not_equal(keys.naming, keys.sealing, sizeof keys.naming);

    remote_seal_name(&keys, &key, name);
    assert_int_equal(strlen(name), REMOTE_NAME_SIZE - 1);
    assert_memory_equal(name, REMOTE_NAME_PREFIX, strlen(REMOTE_NAME_PREFIX));
    remote_seal_name(&keys, &other_key, other_name);
    assert_string_not_equal(name, other_name);
    remote_seal_name(&others, &key, other_name);
    assert_string_not_equal(name, other_name);

    remote_seal(&keys, &key, "entry", 5, &value);
    assert_true(remote_unseal(&keys, &key, value.data, value.len, &entry));
    assert_int_equal(entry.len, 5);
    assert_memory_equal(entry.data, "entry", 5);
    assert_false(remote_unseal(&keys, &other_key, value.data, value.len, &entry));
    assert_false(remote_unseal(&others, &key, value.data, value.len, &entry));
    for (size_t i = 0; i < value.len; i++) {
        value.data[i] ^= 0x10;
        assert_false(remote_unseal(&keys, &key, value.data, value.len, &entry));
        value.data[i] ^= 0x10;
        assert_false(remote_unseal(&keys, &key, value.data, i, &entry));
    }
    assert_int_equal(entry.len, 5);
    buffer_deinit(&value);
    buffer_deinit(&entry);
}

static void test_left_alone(void **context) {
    int fd;
    struct remote_state *state = remote_state_new(&fd), *shared = remote_state_map(fd);
    assert_non_null(state);
    assert_false(remote_state_is_away(state));
    assert_false(remote_state_may_try(state));

    assert_int_equal(remote_state_fail(state), 10);
    assert_int_equal(remote_state_fail(shared), 0); /* it is known */
    assert_true(remote_state_is_away(shared));
    assert_false(remote_state_may_try(state));
    static const unsigned waits[] = {10, 20, 40, 80, 160, 320, 320, 320};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        now_s += waits[i] - 1;
        assert_false(remote_state_may_try(shared));
        now_s++;
        assert_true(remote_state_may_try(state));
        assert_false(remote_state_may_try(shared)); /* one does */
    }
    remote_state_back(shared);
    assert_false(remote_state_is_away(state));
    assert_int_equal(remote_state_fail(state), 320); /* it has not yet been fast */
    remote_state_back(state);
    assert_true(remote_state_waited(state, 100));
    assert_int_equal(remote_state_fail(state), 10);
    assert_int_equal(state->counts.failures, 3);
    remote_state_free(shared);
    remote_state_free(state);
    close(fd);
}

static void test_slowness(void **context) {
    int fd;
    struct remote_state *state = remote_state_new(&fd);
    for (int i = 0; i < 10000; i++)
        assert_true(remote_state_waited(state, 1000));
    assert_true(remote_state_waited(state, 400000)); /* once */
    for (int i = 0; i < 200; i++)
        assert_true(remote_state_waited(state, 1000)); /* made up for */
    int borne = 0;
    while (remote_state_waited(state, 20000))
        borne++;
    assert_int_equal(borne, 33); /* half a second lost */
    remote_state_fail(state);
    remote_state_back(state);
    for (borne = 0; remote_state_waited(state, 20000);)
        borne++;
    assert_int_equal(borne, 6); /* the second time less is borne */
    remote_state_free(state);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_seals),
        cmocka_unit_test(test_left_alone),
        cmocka_unit_test(test_slowness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
