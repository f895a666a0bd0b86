/* Unit tests of client/names: lines as Python's text files have them, in pieces of every size. */
#include "tests/unit/check.h"

#include <unistd.h>

#include "client/names.h"

/* Writes `text` to a pipe `step` bytes at a time, reading in between, and compares. */
static void expect(const char *text, size_t len, size_t step, const char *const *wanted) {
    struct names names;
    const char *name;
    bool truncated;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    names_init_fd(&names, ends[0]);
    for (size_t at = 0;;) {
        enum names_status status = names_next(&names, &name, &truncated);
        if (status == NAMES_END)
            break;
        if (status == NAMES_READY) {
            assert_non_null(*wanted);
            assert_string_equal(name, *wanted++);
            continue;
        }
        size_t part = step < len - at ? step : len - at;
        if (part > 0)
            assert_int_equal(write(ends[1], text + at, part), part);
        else
            close(ends[1]);
        at += part;
        assert_int_equal(names_fill(&names), 0);
    }
    assert_null(*wanted);
    names_deinit(&names);
    close(ends[0]);
}

static void expect_all(const char *text, const char *const *wanted) {
    for (size_t step = 1; step <= strlen(text) + 1; step++)
        expect(text, strlen(text), step, wanted);
}

static void test_lines(void **state) {
    expect_all("", (const char *const[]){NULL});
    expect_all("a", (const char *const[]){"a", NULL});
    expect_all("a\nb\n", (const char *const[]){"a", "b", NULL});
    expect_all("a\r\nb\rc\n\nd", (const char *const[]){"a", "b", "c", "", "d", NULL});
    expect_all("a\r\r\n\n\r", (const char *const[]){"a", "", "", "", NULL});
}

static void test_nul(void **state) {
    struct names names;
    const char *name;
    bool truncated;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "a\0b\nc\n", 6), 6);
    names_init_fd(&names, ends[0]);
    assert_int_equal(names_next(&names, &name, &truncated), NAMES_WAIT);
    assert_int_equal(names_fill(&names), 0);
    assert_int_equal(names_next(&names, &name, &truncated), NAMES_READY);
    assert_string_equal(name, "a");
    assert_true(truncated);
    assert_int_equal(names_next(&names, &name, &truncated), NAMES_READY);
    assert_string_equal(name, "c");
    assert_false(truncated);
    names_deinit(&names);
    close(ends[0]);
    close(ends[1]);
}

static void test_list(void **state) {
    char first[] = "x", second[] = "y\n", *list[] = {first, second};
    struct names names;
    const char *name;
    bool truncated;
    names_init_list(&names, list, 2);
    assert_int_equal(names_next(&names, &name, &truncated), NAMES_READY);
    assert_string_equal(name, "x");
    assert_int_equal(names_next(&names, &name, &truncated), NAMES_READY);
    assert_string_equal(name, "y\n");
    assert_int_equal(names_next(&names, &name, &truncated), NAMES_END);
    names_deinit(&names);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
