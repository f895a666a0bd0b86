/* Unit tests of daemon/watch/folder_table. No inotify instance: its calls fail, and are ignored. */
#include "tests/unit/check.h"

#include <stdio.h>

#include "base/buffer.h"
#include "daemon/watch/folder_table.h"

static void test_by_descriptor(void **state) {
    struct folder_table table = {0};
    for (int wd = 1; wd <= 100; wd++)
        folder_table_put(&table, wd, xasprintf("/f/%d", wd));
    folder_table_put(&table, 50, xstrdup("/other"));
    assert_int_equal(table.count, 100);
    assert_string_equal(folder_table_get(&table, 50), "/other");
    assert_string_equal(folder_table_get(&table, 100), "/f/100");
    assert_null(folder_table_get(&table, 101));
    assert_null(folder_table_get(&table, -1));
    folder_table_remove(&table, 50);
    folder_table_remove(&table, 50);
    folder_table_remove(&table, 1000);
    assert_null(folder_table_get(&table, 50));
    assert_int_equal(table.count, 99);
    folder_table_put(&table, 50, xstrdup("/again"));
    assert_string_equal(folder_table_get(&table, 50), "/again");
    folder_table_deinit(&table);
    assert_int_equal(folder_table_size(&table), 0);
}

static void test_order_does_not_matter(void **state) {
    struct folder_table table = {0};
    for (int i = 0; i < 1000; i++)
        folder_table_put(&table, i * 7919 % 1000, xasprintf("/%d", i * 7919 % 1000));
    for (int wd = 0; wd < 1000; wd++)
        assert_int_equal(atoi(folder_table_get(&table, wd) + 1), wd);
    folder_table_deinit(&table);
}

static void test_unfollow(void **state) {
    struct folder_table table = {0};
    for (int wd = 0; wd < 300; wd++)
        folder_table_put(&table, wd, xasprintf("/%c/%d", "abc"[wd % 3], wd));
    folder_table_unfollow(&table, -1, "/b");
    assert_int_equal(table.count, 200);
    assert_null(folder_table_get(&table, 1));
    assert_string_equal(folder_table_get(&table, 299), "/c/299");
    folder_table_unfollow(&table, -1, "/");
    assert_int_equal(table.count, 0);
    folder_table_deinit(&table);
}

/* Folders come and go under descriptors that only grow: memory stays. */
static void test_descriptors_only_grow(void **state) {
    struct folder_table table = {0};
    size_t most = 0;
    for (int wd = 0; wd < 1000000; wd++) {
        folder_table_put(&table, wd, xstrdup("/f"));
        folder_table_remove(&table, wd - 10);
        if (folder_table_size(&table) > most)
            most = folder_table_size(&table);
    }
    assert_int_equal(table.count, 10);
    assert_true(most >= 1 && most <= 4096);
    folder_table_deinit(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_descriptor),
        cmocka_unit_test(test_order_does_not_matter),
        cmocka_unit_test(test_unfollow),
        cmocka_unit_test(test_descriptors_only_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
