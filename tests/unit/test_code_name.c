/* Unit tests of client/compileall/code_name against compile_file of CPython 3.13's Lib/compileall.py. */
#include "tests/unit/check.h"

#include "client/compileall/code_name.h"

static const struct {
    const char *path, *strip, *prepend;
    const char *wanted;
    bool stripped;
} cases[] = {
    {"./pkg/a.py", "", "", "./pkg/a.py", false},
    {"./pkg/a.py", ".", "/new", "/new/pkg/a.py", true},
    {"./pkg/a.py", "./pkg", "/new", "/new/a.py", true},
    {"./pkg/a.py", "/", "", "./pkg/a.py", false},
    {"./pkg/a.py", "/src", "/new", "/new/./pkg/a.py", false},
    {"./pkg/a.py", "/src/", "/new", "/new/./pkg/a.py", false},
    {"./pkg/a.py", "/src/pk", "", "./pkg/a.py", false},
    {"./pkg/a.py", "/src/pkg", "/", "/./pkg/a.py", false},
    {"./pkg/a.py", "other", "/", "/./pkg/a.py", false},
    {"./pkg/a.py", "pkg", "new/", "new/./pkg/a.py", false},
    {"./pkg/a.py", "pkg/", "/new", "/new/./pkg/a.py", false},
    {"./pkg/a.py", "pkg/a.py", "/", "/./pkg/a.py", false},
    {"./pkg/a.py", NULL, "/", "/./pkg/a.py", true},
    {"//src/pkg/a.py", "", NULL, "src/pkg/a.py", true},
    {"//src/pkg/a.py", ".", "", "//src/pkg/a.py", false},
    {"//src/pkg/a.py", "./pkg", "/", "//src/pkg/a.py", false},
    {"//src/pkg/a.py", "/", "/", "/src/pkg/a.py", true},
    {"//src/pkg/a.py", "/src", "", "//src/pkg/a.py", false},
    {"//src/pkg/a.py", "/src/", "/new", "//src/pkg/a.py", false},
    {"//src/pkg/a.py", "/src/pk", "/new", "//src/pkg/a.py", false},
    {"//src/pkg/a.py", "/src/pkg", "", "//src/pkg/a.py", false},
    {"//src/pkg/a.py", "other", "/", "//src/pkg/a.py", false},
    {"//src/pkg/a.py", "pkg", "new/", "//src/pkg/a.py", false},
    {"//src/pkg/a.py", "pkg/", "/", "//src/pkg/a.py", false},
    {"//src/pkg/a.py", "pkg/a.py", "new/", "//src/pkg/a.py", false},
    {"//src/pkg/a.py", NULL, "/new", "//src/pkg/a.py", true},
    {"/a.py", "", "/", "/a.py", true},
    {"/a.py", ".", "/new", "/a.py", false},
    {"/a.py", "./pkg", "", "/a.py", false},
    {"/a.py", "/", "/new", "/a.py", false},
    {"/a.py", "/src", "new/", "/a.py", false},
    {"/a.py", "/src/", "new/", "/a.py", false},
    {"/a.py", "/src/pk", "", "/a.py", false},
    {"/a.py", "/src/pkg", "", "/a.py", false},
    {"/a.py", "other", "/new", "/a.py", false},
    {"/a.py", "pkg", "/new", "/a.py", false},
    {"/a.py", "pkg/", "/new", "/a.py", false},
    {"/a.py", "pkg/a.py", "/", "/a.py", false},
    {"/a.py", NULL, "/new", "/a.py", true},
    {"/src/pkg/a.py", "", "", "src/pkg/a.py", true},
    {"/src/pkg/a.py", ".", "", "/src/pkg/a.py", false},
    {"/src/pkg/a.py", "./pkg", "", "/src/pkg/a.py", false},
    {"/src/pkg/a.py", "/", "/", "/src/pkg/a.py", false},
    {"/src/pkg/a.py", "/src", NULL, "pkg/a.py", true},
    {"/src/pkg/a.py", "/src/", "/", "/src/pkg/a.py", false},
    {"/src/pkg/a.py", "/src/pk", "/new", "/src/pkg/a.py", false},
    {"/src/pkg/a.py", "/src/pkg", "new/", "new/a.py", true},
    {"/src/pkg/a.py", "other", "/new", "/src/pkg/a.py", false},
    {"/src/pkg/a.py", "pkg", "", "/src/pkg/a.py", false},
    {"/src/pkg/a.py", "pkg/", "", "/src/pkg/a.py", false},
    {"/src/pkg/a.py", "pkg/a.py", "", "/src/pkg/a.py", false},
    {"/src/pkg/a.py", NULL, "/", "/src/pkg/a.py", true},
    {"/src/pkgs/a.py", "", NULL, "src/pkgs/a.py", true},
    {"/src/pkgs/a.py", ".", "/", "/src/pkgs/a.py", false},
    {"/src/pkgs/a.py", "./pkg", "/", "/src/pkgs/a.py", false},
    {"/src/pkgs/a.py", "/", "/new", "/src/pkgs/a.py", false},
    {"/src/pkgs/a.py", "/src", "/new", "/new/pkgs/a.py", true},
    {"/src/pkgs/a.py", "/src/", "", "/src/pkgs/a.py", false},
    {"/src/pkgs/a.py", "/src/pk", "", "/src/pkgs/a.py", false},
    {"/src/pkgs/a.py", "/src/pkg", "new/", "/src/pkgs/a.py", false},
    {"/src/pkgs/a.py", "other", "", "/src/pkgs/a.py", false},
    {"/src/pkgs/a.py", "pkg", "new/", "/src/pkgs/a.py", false},
    {"/src/pkgs/a.py", "pkg/", "", "/src/pkgs/a.py", false},
    {"/src/pkgs/a.py", "pkg/a.py", "new/", "/src/pkgs/a.py", false},
    {"/src/pkgs/a.py", NULL, "/", "/src/pkgs/a.py", true},
    {"a.py", "", "/new", "/new/a.py", false},
    {"a.py", ".", "/new", "/new/a.py", false},
    {"a.py", "./pkg", "/", "/a.py", false},
    {"a.py", "/", "/", "/a.py", false},
    {"a.py", "/src", "/new", "/new/a.py", false},
    {"a.py", "/src/", "", "a.py", false},
    {"a.py", "/src/pk", "", "a.py", false},
    {"a.py", "/src/pkg", "/new", "/new/a.py", false},
    {"a.py", "other", "new/", "new/a.py", false},
    {"a.py", "pkg", "", "a.py", false},
    {"a.py", "pkg/", "new/", "new/a.py", false},
    {"a.py", "pkg/a.py", "/", "/a.py", false},
    {"a.py", NULL, "/new", "/new/a.py", true},
    {"pkg//a.py", "", "/", "/pkg//a.py", false},
    {"pkg//a.py", ".", "/", "/pkg//a.py", false},
    {"pkg//a.py", "./pkg", "new/", "new/pkg//a.py", false},
    {"pkg//a.py", "/", "", "pkg//a.py", false},
    {"pkg//a.py", "/src", "/new", "/new/pkg//a.py", false},
    {"pkg//a.py", "/src/", "", "pkg//a.py", false},
    {"pkg//a.py", "/src/pk", "/new", "/new/pkg//a.py", false},
    {"pkg//a.py", "/src/pkg", "/", "/pkg//a.py", false},
    {"pkg//a.py", "other", "new/", "new/pkg//a.py", false},
    {"pkg//a.py", "pkg", NULL, "a.py", true},
    {"pkg//a.py", "pkg/", NULL, "a.py", true},
    {"pkg//a.py", "pkg/a.py", "new/", "new/pkg//a.py", false},
    {"pkg//a.py", NULL, "new/", "new/pkg//a.py", true},
    {"pkg/a.py", "", "/new", "/new/pkg/a.py", false},
    {"pkg/a.py", ".", "new/", "new/pkg/a.py", false},
    {"pkg/a.py", "./pkg", "new/", "new/pkg/a.py", false},
    {"pkg/a.py", "/", "", "pkg/a.py", false},
    {"pkg/a.py", "/src", "/new", "/new/pkg/a.py", false},
    {"pkg/a.py", "/src/", "new/", "new/pkg/a.py", false},
    {"pkg/a.py", "/src/pk", "", "pkg/a.py", false},
    {"pkg/a.py", "/src/pkg", "new/", "new/pkg/a.py", false},
    {"pkg/a.py", "other", "", "pkg/a.py", false},
    {"pkg/a.py", "pkg", "", "a.py", true},
    {"pkg/a.py", "pkg/", "new/", "new/pkg/a.py", false},
    {"pkg/a.py", NULL, "/new", "/new/pkg/a.py", true},
    {"pkg/sub/../a.py", "", "new/", "new/pkg/sub/../a.py", false},
    {"pkg/sub/../a.py", ".", "", "pkg/sub/../a.py", false},
    {"pkg/sub/../a.py", "./pkg", "/new", "/new/pkg/sub/../a.py", false},
    {"pkg/sub/../a.py", "/", "/new", "/new/pkg/sub/../a.py", false},
    {"pkg/sub/../a.py", "/src", "/", "/pkg/sub/../a.py", false},
    {"pkg/sub/../a.py", "/src/", "/", "/pkg/sub/../a.py", false},
    {"pkg/sub/../a.py", "/src/pk", "/", "/pkg/sub/../a.py", false},
    {"pkg/sub/../a.py", "/src/pkg", "", "pkg/sub/../a.py", false},
    {"pkg/sub/../a.py", "other", "/new", "/new/pkg/sub/../a.py", false},
    {"pkg/sub/../a.py", "pkg", NULL, "sub/../a.py", true},
    {"pkg/sub/../a.py", "pkg/", "", "pkg/sub/../a.py", false},
    {"pkg/sub/../a.py", "pkg/a.py", "new/", "new/pkg/sub/../a.py", false},
    {"pkg/sub/../a.py", NULL, "", "pkg/sub/../a.py", true},
};

static void test_cases(void **state) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct code_name how = {cases[i].strip, cases[i].prepend};
        bool stripped;
        char *name = code_name(&how, cases[i].path, &stripped);
        if (strcmp(name ? name : cases[i].path, cases[i].wanted) != 0 || stripped != cases[i].stripped)
            fail_msg("'%s', -s '%s', -p '%s': '%s', not '%s'; stripped: %d", cases[i].path,
                     cases[i].strip ? cases[i].strip : "none", cases[i].prepend ? cases[i].prepend : "none",
                     name ? name : "itself", cases[i].wanted, stripped);
        free(name);
    }
}

static void test_without_options(void **state) {
    bool stripped;
    assert_null(code_name(&(struct code_name){0}, "pkg/a.py", &stripped));
    assert_true(stripped);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_without_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
