/* Unit tests of base/python_version. The specifiers: what `packaging` (as pip 23 has it) said of 3.8 to 3.14, 1 where
 * it allows any of 3.Y.0 to 3.Y.39. */
#include "tests/unit/check.h"

#include "base/python_version.h"

static const struct {
    const char *specifier, *allowed;
} specifiers[] = {
    {">=3.9", "0111111"},
    {">=3.9,<3.13", "0111100"},
    {">3.10", "0011111"},
    {"<3.12", "1111000"},
    {"<=3.11", "1111000"},
    {"<3.12.1", "1111100"},
    {"<3.12.0", "1111000"},
    {"~=3.10", "0011111"},
    {"~=3.10.2", "0010000"},
    {"==3.11.*", "0001000"},
    {"==3.11", "0001000"},
    {"==3.11.4", "0001000"},
    {"!=3.12.*", "1111011"},
    {"!=3.12", "1111111"},
    {"!=3.12.1", "1111111"},
    {">=3.9.2", "0111111"},
    {"", "1111111"},
    {">=3", "1111111"},
    {"<4", "1111111"},
    {"~=3.9,!=3.11.*", "0110111"},
    {" >= 3.10 , < 3.13 ", "0011100"},
    {">=3.8,!=3.9.*,!=3.10.*", "1001111"},
    {"==3.*", "1111111"},
    {">=3.13", "0000011"},
    {"===3.12", "0000000"},
    {">=3.9rc1", "0111111"},
    {"<3.13.0rc1", "1111100"},
    {">2.7", "1111111"},
    {">=3.10.0,<3.10.9", "0010000"},
    {">=4", "0000000"},
};

static void test_specifiers(void **state) {
    for (size_t i = 0; i < sizeof specifiers / sizeof *specifiers; i++)
        for (unsigned minor = 8; minor <= 14; minor++) {
            bool allowed = python_version_allowed(&(struct python_version){3, minor}, specifiers[i].specifier);
            if (allowed != (specifiers[i].allowed[minor - 8] == '1'))
                fail_msg("'%s', 3.%u: %d", specifiers[i].specifier, minor, allowed);
        }
}

static void test_no_specifiers(void **state) {
    static const char *const texts[] = {"3.9", ">=", "=3.9", ">= x", "^3.9", ">=3.9 <4", "==3.x", ">=3..9"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (python_version_allowed(&(struct python_version){3, 9}, texts[i]))
            fail_msg("'%s'", texts[i]);
}

static void test_free_threaded(void **state) {
    static const char *const yes[] = {"3.13t",
                                      "3.14.1t",
                                      "python3.13t",
                                      "cpython-3.13.1+freethreaded-linux-x86_64-gnu",
                                      "3.14+freethreaded",
                                      "python-3.13.1-h9a34b6e_2_cp313t.json"};
    static const char *const no[] = {"",
                                     "3.13",
                                     "3.13.1",
                                     "python3.13",
                                     "cpython-3.13.1-linux-x86_64-gnu",
                                     "t",
                                     "3t",
                                     "3.13test",
                                     "3.13t_x",
                                     "3.13.1rc1",
                                     "pypy3.10t",
                                     "python-3.13.1-h9a34b6e_2_cp313.json",
                                     "python-3.13.1-ht_cp313tx.json"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (!python_version_is_free_threaded(yes[i]))
            fail_msg("'%s'", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (python_version_is_free_threaded(no[i]))
            fail_msg("'%s'", no[i]);
}

static void test_versions(void **state) {
    static const struct {
        const char *text;
        unsigned minor; /* 0: none */
    } cases[] = {
        {"3.12", 12},
        {"3.12.1", 12},
        {"3.13.0.final.0", 13},
        {"3.14t", 14},
        {"3.14.0a1", 14},
        {"python3.9", 9},
        {"cpython-3.12.1-linux-x86_64-gnu", 12},
        {"cpython@3.11", 11},
        {"3", 0},
        {"", 0},
        {"system", 0},
        {"pypy3.10", 0},
        {"0.5", 0}, /* a client took it for a specifier that was not there, and crashed */
        {"3.", 0},
        {".12", 0},
        {"3.12 3.11", 0},
        {"3.99999999", 0},
        {"v3.12", 0},
        {"# 3.12", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct python_version version = {0};
        bool found = python_version_parse(cases[i].text, &version);
        if (found != (cases[i].minor > 0) || (found && (version.major != 3 || version.minor != cases[i].minor)))
            fail_msg("'%s': %d, %u.%u", cases[i].text, found, version.major, version.minor);
    }
}

static void test_exact_and_order(void **state) {
    struct python_version a, b;
    assert_true(python_version_exact("3.13", &a));
    assert_true(python_version_exact("3.9", &b));
    assert_true(python_version_compare(&a, &b) > 0 && python_version_compare(&b, &a) < 0);
    assert_int_equal(python_version_compare(&a, &a), 0);
    static const char *const others[] = {"", "3", "3.", "3.13.0", "3.13t", "python3.13", " 3.13", "+3.13", "3.1 3"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (python_version_exact(others[i], &a))
            fail_msg("'%s'", others[i]);
    assert_true(python_version_is_at_least("3.12", 3, 12) && python_version_is_at_least("4.0", 3, 12));
    assert_false(python_version_is_at_least("3.9", 3, 12) || python_version_is_at_least("pypy", 3, 12));
}

static void test_a_failure_sets_nothing(void **state) {
    static const char *const texts[] = {"3-foo", "3.", "3.x", "1#", "0.5", "3.13#", "pypy3.10"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct python_version version = {7, 8};
        assert_false(python_version_parse(texts[i], &version));
        assert_int_equal(version.major, 7);
        assert_int_equal(version.minor, 8);
    }
}

static void test_release(void **state) {
    static const char *const cases[][2] = {
        {"3.13.1", "3.13.1"},
        {"cpython-3.12.10-linux", "3.12.10"},
        {"python3.9.2", "3.9.2"},
        {"3.14.0rc1", "3.14.0"},
        {"3.13.0.final.0", "3.13.0"},
        {"3.13", NULL},
        {"3.13.", NULL},
        {"3.13t", NULL},
        {"3", NULL},
        {"pypy3.10.1", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *release = python_version_release(cases[i][0]);
        if (cases[i][1] == NULL)
            assert_null(release);
        else
            assert_string_equal(release, cases[i][1]);
        free(release);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failure_sets_nothing),
        cmocka_unit_test(test_release),
        cmocka_unit_test(test_specifiers),
        cmocka_unit_test(test_no_specifiers),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_free_threaded),
        cmocka_unit_test(test_exact_and_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
