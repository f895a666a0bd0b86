/* Unit tests of daemon/watch/gitignore against the verdicts of `git check-ignore` (git 2.39). */
#include "tests/unit/check.h"

#include <limits.h>

#include "base/buffer.h"
#include "daemon/watch/gitignore.h"

static const struct {
    const char *rules, *path;
    bool is_folder, ignored;
} cases[] = {
    {"a.py\n", "a.py", false, true},
    {"a.py\n", "d/a.py", false, true},
    {"/a.py\n", "d/a.py", false, false},
    {"/a.py\n", "a.py", false, true},
    {"d/a.py\n", "d/a.py", false, true},
    {"d/a.py\n", "e/d/a.py", false, false},
    {"build/\n", "build", true, true},
    {"build/\n", "build", false, false},
    {"build/\n", "d/build", true, true},
    {"d/build/\n", "d/build", true, true},
    {"*.py\n!keep.py\n", "x.py", false, true},
    {"*.py\n!keep.py\n", "keep.py", false, false},
    {"!keep.py\n*.py\n", "keep.py", false, true},
    {"**/gen\n", "gen", true, true},
    {"**/gen\n", "a/b/gen", true, true},
    {"gen/**\n", "gen", true, false},
    {"gen/**\n", "gen/a/b.py", false, true},
    {"a/**/b.py\n", "a/b.py", false, true},
    {"a/**/b.py\n", "a/x/y/b.py", false, true},
    {"a/**/b.py\n", "x/a/b.py", false, false},
    {"a/*/b.py\n", "a/x/b.py", false, true},
    {"a/*/b.py\n", "a/x/y/b.py", false, false},
    {"a*c.py\n", "abbc.py", false, true},
    {"a?c.py\n", "abc.py", false, true},
    {"[!a]b.py\n", "ab.py", false, false},
    {"[!a]b.py\n", "bb.py", false, true},
    {"[a-c]b.py\n", "bb.py", false, true},
    {"[]]b.py\n", "]b.py", false, true},
    {"[!]]b.py\n", "ab.py", false, true},
    {"[a-]b.py\n", "-b.py", false, true},
    {"[\\]]b.py\n", "]b.py", false, true},
    {"[[:digit:]x]b.py\n", "7b.py", false, true},
    {"[[:digit:]x]b.py\n", "xb.py", false, true},
    {"[[:digit:]x]b.py\n", "db.py", false, false},
    {"[^[:alpha:]]b.py\n", "1b.py", false, true},
    {"[a-cb.py\n", "[a-cb.py", false, false},
    {"*a*b*.py\n", "xaybz.py", false, true},
    {"*a*b*.py\n", "xbya.py", false, false},
    {"a**b.py\n", "axyb.py", false, true},
    {"**/gen\n", "gen/gen", true, true},
    {"**/a/**/b.py\n", "x/a/y/a/z/b.py", false, true},
    {"**/a/b.py\n", "a/a/b.py", false, true},
    {"**/a/**/c/b.py\n", "a/c/d/b.py", false, false},
    {"a/**/**/b.py\n", "a/b.py", false, true},
    {"\xc3\xa9*.py\n", "\xc3\xa9\xc3\xa8.py", false, true},
    {"# a.py\n", "a.py", false, false},
    {"\\#a.py\n", "#a.py", false, true},
    {"\\!a.py\n", "!a.py", false, true},
    {"a.py   \n", "a.py", false, true},
    {"a.py\\ \n", "a.py ", false, true},
    {"a.py\r\n", "a.py", false, true},
    {"a.py", "a.py", false, true},
    {"\n\n/\n", "a.py", false, false},
    {"*\n", "a.py", false, true},
    {"*\n", ".hidden", false, true},
    {".*\n", ".venv", true, true},
    {"\xef\xbb\xbf"
     "a.py\n",
     "a.py", false, true},
};

static enum gitignore_verdict check(const struct gitignore *rules, const char *path, bool is_folder) {
    unsigned steps = 100000;
    return gitignore_check(rules, path, is_folder, &steps);
}

static void test_cases(void **state) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gitignore *rules = gitignore_parse(cases[i].rules, strlen(cases[i].rules));
        enum gitignore_verdict verdict = check(rules, cases[i].path, cases[i].is_folder);
        gitignore_free(rules);
        if ((verdict == GITIGNORE_IGNORED) != cases[i].ignored)
            fail_msg("case %zu: '%s' of '%s': %d", i, cases[i].path, cases[i].rules, verdict);
    }
}

static void test_verdicts(void **state) {
    static const char text[] = "!b.py\n";
    struct gitignore *rules = gitignore_parse(text, strlen(text));
    assert_int_equal(check(rules, "b.py", false), GITIGNORE_KEPT);
    assert_int_equal(check(rules, "a.py", false), GITIGNORE_SILENT);
    gitignore_free(rules);
    assert_null(gitignore_free(NULL));
}

/* The steps that matching takes, where there is no bound. */
static unsigned steps_of(const char *pattern, const char *path) {
    struct gitignore *rules = gitignore_parse(pattern, strlen(pattern));
    unsigned steps = UINT_MAX;
    gitignore_check(rules, path, false, &steps);
    gitignore_free(rules);
    return UINT_MAX - steps;
}

/* Patterns that a backtracking matcher tries in exponentially many ways: the steps are at most lengths multiplied. */
static void test_hostile_patterns(void **state) {
    for (unsigned times = 1; times <= 64; times *= 2) {
        struct buffer folders = {0}, path = {0}, stars = {0}, name = {0}, brackets = {0};
        for (unsigned i = 0; i < times; i++) {
            buffer_append_string(&folders, "**/a/");
            buffer_append_string(&path, "a/a/a/");
            buffer_append_string(&stars, "*a");
            buffer_append_string(&name, "aaaaa");
            buffer_append_string(&brackets, "*[[:alpha:]]");
        }
        buffer_append_string(&folders, "x.py");
        buffer_append_string(&path, "b.py");
        buffer_append_string(&stars, "*x");
        buffer_append_string(&brackets, "*[0-9]");
        size_t folders_product = folders.len * path.len, names_product = stars.len * name.len;
        size_t brackets_product = brackets.len * brackets.len * name.len;
        assert_true(steps_of(buffer_string(&folders), buffer_string(&path)) <= folders_product);
        assert_true(steps_of(buffer_string(&stars), buffer_string(&name)) <= names_product);
        assert_true(steps_of(buffer_string(&brackets), buffer_string(&name)) <= brackets_product);
        buffer_deinit(&folders);
        buffer_deinit(&path);
        buffer_deinit(&stars);
        buffer_deinit(&name);
        buffer_deinit(&brackets);
    }
}

/* Where the steps are used up, no further rule matches. */
static void test_budget(void **state) {
    struct buffer text = {0};
    buffer_append_string(&text, "a.py\n");
    for (int i = 0; i < 2000; i++)
        buffer_append_string(&text, "*b*b*b*b*c\n");
    struct gitignore *rules = gitignore_parse(text.data, text.len);
    static const char path[] = "bbbbbbbbbbbbbbbbbbbb";
    unsigned steps = 1000;
    assert_int_equal(gitignore_check(rules, path, false, &steps), GITIGNORE_SILENT);
    assert_int_equal(steps, 0);
    steps = 1000;
    assert_int_equal(gitignore_check(rules, "a.py", false, &steps), GITIGNORE_SILENT);
    steps = 1000000;
    assert_int_equal(gitignore_check(rules, "a.py", false, &steps), GITIGNORE_IGNORED);
    assert_true(steps > 0);
    gitignore_free(rules);
    buffer_deinit(&text);
}

/* Only so many rules are read, and none that is longer than a path. */
static void test_bounds(void **state) {
    struct buffer text = {0};
    for (int i = 0; i < GITIGNORE_RULES_MAX; i++)
        buffer_printf(&text, "%d.py\n", i);
    buffer_append_string(&text, "late.py\n");
    struct gitignore *rules = gitignore_parse(text.data, text.len);
    unsigned steps = UINT_MAX;
    assert_int_equal(gitignore_check(rules, "9999.py", false, &steps), GITIGNORE_IGNORED);
    assert_int_equal(gitignore_check(rules, "late.py", false, &steps), GITIGNORE_SILENT);
    gitignore_free(rules);
    text.len = 0;
    for (int i = 0; i < GITIGNORE_PATTERN_MAX; i++)
        buffer_append_string(&text, "*");
    rules = gitignore_parse(text.data, text.len);
    assert_int_equal(gitignore_check(rules, "a.py", false, &steps), GITIGNORE_IGNORED);
    gitignore_free(rules);
    buffer_append_string(&text, "*");
    rules = gitignore_parse(text.data, text.len);
    assert_int_equal(gitignore_check(rules, "a.py", false, &steps), GITIGNORE_SILENT);
    gitignore_free(rules);
    buffer_deinit(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),  cmocka_unit_test(test_verdicts), cmocka_unit_test(test_hostile_patterns),
        cmocka_unit_test(test_budget), cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
