/* Unit tests of daemon/watch/gitignore against the verdicts of `git check-ignore` (git 2.39). */
#include "tests/unit/check.h"

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

static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gitignore *rules = gitignore_parse(cases[i].rules, strlen(cases[i].rules));
        enum gitignore_verdict verdict = gitignore_check(rules, cases[i].path, cases[i].is_folder);
        gitignore_free(rules);
        if ((verdict == GITIGNORE_IGNORED) != cases[i].ignored)
            fail_msg("case %zu: '%s' of '%s': %d", i, cases[i].path, cases[i].rules, verdict);
    }
}

static void test_verdicts(void **state) {
    (void)state;
    static const char text[] = "!b.py\n";
    struct gitignore *rules = gitignore_parse(text, strlen(text));
    assert_int_equal(gitignore_check(rules, "b.py", false), GITIGNORE_KEPT);
    assert_int_equal(gitignore_check(rules, "a.py", false), GITIGNORE_SILENT);
    gitignore_free(rules);
    assert_null(gitignore_free(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_verdicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
