/* Unit tests of daemon/watch/ignore_list: what the .gitignore files of a watch may hold. */
#include "tests/unit/check.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "daemon/watch/ignore_list.h"

#define MIB ((size_t)1 << 20)

static char top[] = "/tmp/pycompiled-test-XXXXXX";
static struct ignore_list none;

static int group_setup(void **state) {
    return mkdtemp(top) ? 0 : -1;
}

static int group_teardown(void **state) {
    return rmdir(top);
}

/* Writes a .gitignore of one rule, then `count` others, and then one that ignores the file `last`. */
static void write_rules(const char *folder, const char *rule, size_t count) {
    char *path = xasprintf("%s/.gitignore", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("aaa*\n", file);
    for (size_t i = 0; i < count; i++)
        fprintf(file, "%s\n", rule);
    fputs("last\n", file);
    fclose(file);
    free(path);
}

static void remove_rules(const char *folder) {
    char *path = xasprintf("%s/.gitignore", folder);
    unlink(path);
    free(path);
}

static bool ignores_last(const struct ignore_list *list) {
    char *path = xasprintf("%s/last", top);
    bool ignored = ignore_list_has(list, &none, path, false);
    free(path);
    return ignored;
}

static void test_rest_of_a_large_file(void **state) {
    static const struct {
        size_t count;
        bool ignored;
    } cases[] = {{1000, true}, {3000, false}}; /* of 100 bytes */
    char rule[100];
    memset(rule, 'x', sizeof rule);
    rule[sizeof rule - 1] = '\0';
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ignore_list list = {0};
        write_rules(top, rule, cases[i].count);
        ignore_list_read(&list, top);
        assert_int_equal(ignores_last(&list), cases[i].ignored);
        assert_true(list.bytes >= 1 && list.bytes <= MIB);
        ignore_list_deinit(&list);
    }
    remove_rules(top);
}

/* Short rules take many times the memory of their text: the limit is for what they take. Lists elsewhere count. */
static void test_all_of_a_watch(void **state) {
    struct ignore_list list = {0}, more = {0};
    write_rules(top, "x", 9999);
    for (int i = 0; i < 100; i++)
        ignore_list_read(&list, top);
    assert_true(list.bytes >= 16 * MIB && list.bytes <= 17 * MIB);
    assert_true(list.count >= 1 && list.count <= 90); /* rules are smaller on 32 bits */
    more.elsewhere = list.bytes;
    ignore_list_read(&more, top);
    assert_int_equal(more.count, 0);
    remove_rules(top);
    ignore_list_deinit(&list);
}

/* A folder that is read again has its new rules alone. */
static void test_read_again(void **state) {
    struct ignore_list list = {0}, more = {0};
    write_rules(top, "x", 10);
    ignore_list_read(&list, top);
    size_t bytes = list.bytes;
    for (int i = 0; i < 3; i++) {
        ignore_list_read(&more, top);
        ignore_list_merge(&list, &more);
        assert_int_equal(list.count, 1);
        assert_int_equal(list.bytes, bytes);
    }
    assert_true(ignores_last(&list));
    const char *folders[] = {"/somewhere/else", top};
    ignore_list_remove_exactly(&list, folders, 2);
    assert_int_equal(list.count, 0);
    assert_int_equal(list.bytes, 0);
    assert_false(ignores_last(&list));
    remove_rules(top);
    ignore_list_deinit(&list);
}

/* Rules are tried from the last one on. Where they take too many steps the first ones match nothing. */
static void test_steps_for_one_path(void **state) {
    static const struct {
        size_t count;
        bool ignored;
    } cases[] = {{10, true}, {5000, false}};
    char name[201];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    char *path = xasprintf("%s/%s", top, name);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ignore_list list = {0};
        write_rules(top, "*a*a*a*b", cases[i].count);
        ignore_list_read(&list, top);
        assert_int_equal(ignore_list_has(&list, &none, path, false), cases[i].ignored);
        ignore_list_deinit(&list);
    }
    remove_rules(top);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rest_of_a_large_file),
        cmocka_unit_test(test_all_of_a_watch),
        cmocka_unit_test(test_read_again),
        cmocka_unit_test(test_steps_for_one_path),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
