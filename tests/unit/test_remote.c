/* Unit tests of the remote tier's pure parts: cache/remote/http_place, cache/remote/redis_url,
 * cache/remote/seal, cache/remote/state. The clock
 * is the test's (--wrap=clock_gettime). tests/test_remote_cache.py has real servers. */
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cache/remote/http_place.h"
#include "cache/remote/redis_url.h"
#include "cache/remote/seal.h"
#include "cache/remote/state.h"

static int64_t now_us = 1000000000;
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out) {
    *out = (struct timespec){.tv_sec = now_us / 1000000, .tv_nsec = now_us % 1000000 * 1000};
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
        {"rediss://h?ssl_ca_certs=a.pem", "none"},
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

/* A wait that begins when the one before has ended. */
static bool wait_alone(struct remote_state *state, int64_t us) {
    now_us += us;
    return remote_state_waited(state, now_us - us, now_us);
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
        now_us += (waits[i] - 1) * INT64_C(1000000);
        assert_false(remote_state_may_try(shared));
        now_us += 1000000;
        assert_true(remote_state_may_try(state));
        assert_false(remote_state_may_try(shared)); /* one does */
    }
    remote_state_back(shared);
    assert_false(remote_state_is_away(state));
    assert_int_equal(remote_state_fail(state), 320); /* it has not yet been fast */
    remote_state_back(state);
    assert_true(wait_alone(state, 100));
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
        assert_true(wait_alone(state, 1000));
    assert_true(wait_alone(state, 400000)); /* once */
    for (int i = 0; i < 200; i++)
        assert_true(wait_alone(state, 1000)); /* made up for */
    int borne = 0;
    while (wait_alone(state, 20000))
        borne++;
    assert_int_equal(borne, 33); /* half a second lost */
    remote_state_fail(state);
    remote_state_back(state);
    for (borne = 0; wait_alone(state, 20000);)
        borne++;
    assert_int_equal(borne, 6); /* the second time less is borne */
    remote_state_free(state);
    close(fd);
}

/* Workers that wait at once: their time counts once, whether they wait in step or not. A server that is slow for all of
 * them is left alone after the same wall time as with one worker. */
static void test_many_workers(void **context) {
    enum { WORKERS = 100 };
    static const int64_t staggers_us[] = {0, 200};
    for (size_t i = 0; i < sizeof staggers_us / sizeof *staggers_us; i++) {
        int fd, waves = 0;
        bool worth = true;
        struct remote_state *state = remote_state_new(&fd);
        for (int worker = 0; worker < WORKERS; worker++) /* a healthy server, once */
            assert_true(remote_state_waited(state, now_us, now_us + 30000 + worker * staggers_us[i]));
        for (; worth && waves < 1000; waves++) {
            now_us += 50000;
            for (int worker = 0; worker < WORKERS; worker++)
                worth = remote_state_waited(state, now_us, now_us + 30000) && worth;
        }
        assert_in_range(waves, 10, 30); /* 25 ms are lost in each */
        remote_state_free(state);
        close(fd);
    }
}

/* A host has written nonsense. */
static void test_nonsense_in_the_state(void **context) {
    static const int64_t numbers[] = {INT64_MIN / 4, -1, 0, 1, INT64_MAX / 4};
    int fd;
    struct remote_state *state = remote_state_new(&fd);
    for (size_t i = 0; i < 125; i++) {
        state->waited_until_us = numbers[i % 5];
        state->wall_us = numbers[i / 5 % 5];
        state->waited_us = numbers[i / 25];
        state->waste_us = 0;
        assert_true(wait_alone(state, 100000));
        assert_in_range(state->waste_us, 0, 95000);
    }
    remote_state_free(state);
    close(fd);
}

/* The place that a URL with its settings names; NULL with the sentence in *why. The caller frees. */
static struct http_place *make_place(const char *text, char **why) {
    struct spec spec;
    char *shown = NULL;
    assert_int_equal(spec_next(&text, &spec, why), 1);
    struct http_place *place = http_place_parse(&spec, &shown, why);
    spec_deinit(&spec);
    free(shown);
    return place;
}

static char *make_url(const char *text, const char *name) {
    char *why = NULL;
    struct buffer url = {0};
    struct http_place *place = make_place(text, &why);
    assert_non_null(place);
    http_place_url(place, name, &url);
    http_place_free(place);
    return url.data;
}

/* Another version of the format, and another entry, have other paths; Bazel's caches want 64 digits. */
static void test_paths_of_entries(void **context) {
    static const struct {
        const char *text, *start;
        size_t len;
    } cases[] = {
        {"http://h/c", "http://h/c/", 11 + 65},
        {"http://h/c layout=flat", "http://h/c/", 11 + 64},
        {"http://h/c layout=bazel", "http://h/c/ac/", 14 + 64},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *one = make_url(cases[i].text, "pycompiled:1:00ff"), *same = make_url(cases[i].text, "pycompiled:1:00ff"),
             *version = make_url(cases[i].text, "pycompiled:2:00ff"),
             *entry = make_url(cases[i].text, "pycompiled:1:01ff");
        assert_int_equal(strlen(one), cases[i].len);
        assert_memory_equal(one, cases[i].start, strlen(cases[i].start));
        assert_string_equal(one, same);
        assert_string_not_equal(one, version);
        assert_string_not_equal(one, entry);
        free(one);
        free(same);
        free(version);
        free(entry);
    }
}

static void test_refused_settings(void **context) {
    static const char *const cases[][2] = {
        {"http://h/ ca-file=ca.pem", "not a remote cache's URL: its ca-file is not an absolute path"},
        {"http://h/ client-cert=./c", "not a remote cache's URL: its client-cert is not an absolute path"},
        {"http://h/ client-key=", "not a remote cache's URL: its client-key is not an absolute path"},
        {"http://h/ netrc-file=%2e/n", "not a remote cache's URL: its netrc-file is not an absolute path"},
        {"http://h/ bearer-token-file=t", "not a remote cache's URL: its bearer-token-file is not an absolute path"},
        {"http://h/ colour=blue",
         "not a remote cache's URL: it has a setting that is none of layout, bearer-token, bearer-token-file, @header, "
         "netrc-file, ca-file, client-cert, client-key, proxy, read-only"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *why = NULL;
        assert_null(make_place(cases[i][0], &why));
        assert_string_equal(why, cases[i][1]);
        free(why);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_seals),
        cmocka_unit_test(test_left_alone),
        cmocka_unit_test(test_slowness),
        cmocka_unit_test(test_many_workers),
        cmocka_unit_test(test_nonsense_in_the_state),
        cmocka_unit_test(test_paths_of_entries),
        cmocka_unit_test(test_refused_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
