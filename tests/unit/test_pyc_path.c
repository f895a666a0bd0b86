/* Unit tests of base/pyc_path against importlib.util.cache_from_source of CPython 3.13. */
#include "tests/unit/check.h"

#include "base/pyc_path.h"

static const struct {
    const char *file;
    int optimize;
    const char *prefix;
    const char *wanted;
} cases[] = {
    {"a.py", -1, NULL, "__pycache__/a.cpython-313.pyc"},
    {"a.py", 0, NULL, "__pycache__/a.cpython-313.pyc"},
    {"a.py", 1, NULL, "__pycache__/a.cpython-313.opt-1.pyc"},
    {"a.py", 2, NULL, "__pycache__/a.cpython-313.opt-2.pyc"},
    {"d/a.py", -1, NULL, "d/__pycache__/a.cpython-313.pyc"},
    {"./a.py", -1, NULL, "./__pycache__/a.cpython-313.pyc"},
    {"./d/a.py", -1, NULL, "./d/__pycache__/a.cpython-313.pyc"},
    {"/d/a.py", -1, NULL, "/d/__pycache__/a.cpython-313.pyc"},
    {"/a.py", -1, NULL, "__pycache__/a.cpython-313.pyc"},
    {"//a.py", -1, NULL, "/__pycache__/a.cpython-313.pyc"},
    {"d//a.py", -1, NULL, "d/__pycache__/a.cpython-313.pyc"},
    {"d/", -1, NULL, "d/__pycache__/cpython-313.pyc"},
    {".py", -1, NULL, "__pycache__/py.cpython-313.pyc"},
    {"d/.hidden", -1, NULL, "d/__pycache__/hidden.cpython-313.pyc"},
    {"noext", -1, NULL, "__pycache__/noextcpython-313.pyc"},
    {"noext", 0, NULL, "__pycache__/noextcpython-313.pyc"},
    {"noext", 1, NULL, "__pycache__/noextcpython-313.opt-1.pyc"},
    {"noext", 2, NULL, "__pycache__/noextcpython-313.opt-2.pyc"},
    {"a.b.py", -1, NULL, "__pycache__/a.b.cpython-313.pyc"},
    {"a.", -1, NULL, "__pycache__/a.cpython-313.pyc"},
    {"../a.py", -1, NULL, "../__pycache__/a.cpython-313.pyc"},
    {"é/ü.py", -1, NULL, "é/__pycache__/ü.cpython-313.pyc"},
    {"", -1, NULL, "__pycache__/cpython-313.pyc"},
    {"a.py", -1, "/cache", "/cache/home/user/work/a.cpython-313.pyc"},
    {"d/a.py", -1, "/cache", "/cache/home/user/work/d/a.cpython-313.pyc"},
    {"./a.py", -1, "/cache", "/cache/home/user/work/./a.cpython-313.pyc"},
    {"./d/a.py", -1, "/cache", "/cache/home/user/work/d/a.cpython-313.pyc"},
    {"/d/a.py", -1, "/cache", "/cache/d/a.cpython-313.pyc"},
    {"/a.py", -1, "/cache", "/cache/home/user/work/a.cpython-313.pyc"},
    {"d//a.py", -1, "/cache", "/cache/home/user/work/d/a.cpython-313.pyc"},
    {"d/", -1, "/cache", "/cache/home/user/work/d/cpython-313.pyc"},
    {".py", -1, "/cache", "/cache/home/user/work/py.cpython-313.pyc"},
    {"d/.hidden", -1, "/cache", "/cache/home/user/work/d/hidden.cpython-313.pyc"},
    {"noext", -1, "/cache", "/cache/home/user/work/noextcpython-313.pyc"},
    {"a.b.py", -1, "/cache", "/cache/home/user/work/a.b.cpython-313.pyc"},
    {"a.", -1, "/cache", "/cache/home/user/work/a.cpython-313.pyc"},
    {"../a.py", -1, "/cache", "/cache/home/user/work/../a.cpython-313.pyc"},
    {"é/ü.py", -1, "/cache", "/cache/home/user/work/é/ü.cpython-313.pyc"},
    {"", -1, "/cache", "/cache/home/user/work/cpython-313.pyc"},
    {"a.py", -1, "/cache/", "/cache/home/user/work/a.cpython-313.pyc"},
    {"d/a.py", -1, "/cache/", "/cache/home/user/work/d/a.cpython-313.pyc"},
    {"./a.py", -1, "/cache/", "/cache/home/user/work/./a.cpython-313.pyc"},
    {"./d/a.py", -1, "/cache/", "/cache/home/user/work/d/a.cpython-313.pyc"},
    {"/d/a.py", -1, "/cache/", "/cache/d/a.cpython-313.pyc"},
    {"/a.py", -1, "/cache/", "/cache/home/user/work/a.cpython-313.pyc"},
    {"d//a.py", -1, "/cache/", "/cache/home/user/work/d/a.cpython-313.pyc"},
    {"d/", -1, "/cache/", "/cache/home/user/work/d/cpython-313.pyc"},
    {".py", -1, "/cache/", "/cache/home/user/work/py.cpython-313.pyc"},
    {"d/.hidden", -1, "/cache/", "/cache/home/user/work/d/hidden.cpython-313.pyc"},
    {"noext", -1, "/cache/", "/cache/home/user/work/noextcpython-313.pyc"},
    {"a.b.py", -1, "/cache/", "/cache/home/user/work/a.b.cpython-313.pyc"},
    {"a.", -1, "/cache/", "/cache/home/user/work/a.cpython-313.pyc"},
    {"../a.py", -1, "/cache/", "/cache/home/user/work/../a.cpython-313.pyc"},
    {"é/ü.py", -1, "/cache/", "/cache/home/user/work/é/ü.cpython-313.pyc"},
    {"", -1, "/cache/", "/cache/home/user/work/cpython-313.pyc"},
    {"a.py", -1, "rel", "rel/home/user/work/a.cpython-313.pyc"},
    {"d/a.py", -1, "rel", "rel/home/user/work/d/a.cpython-313.pyc"},
    {"./a.py", -1, "rel", "rel/home/user/work/./a.cpython-313.pyc"},
    {"./d/a.py", -1, "rel", "rel/home/user/work/d/a.cpython-313.pyc"},
    {"/d/a.py", -1, "rel", "rel/d/a.cpython-313.pyc"},
    {"/a.py", -1, "rel", "rel/home/user/work/a.cpython-313.pyc"},
    {"d//a.py", -1, "rel", "rel/home/user/work/d/a.cpython-313.pyc"},
    {"d/", -1, "rel", "rel/home/user/work/d/cpython-313.pyc"},
    {".py", -1, "rel", "rel/home/user/work/py.cpython-313.pyc"},
    {"d/.hidden", -1, "rel", "rel/home/user/work/d/hidden.cpython-313.pyc"},
    {"noext", -1, "rel", "rel/home/user/work/noextcpython-313.pyc"},
    {"a.b.py", -1, "rel", "rel/home/user/work/a.b.cpython-313.pyc"},
    {"a.", -1, "rel", "rel/home/user/work/a.cpython-313.pyc"},
    {"../a.py", -1, "rel", "rel/home/user/work/../a.cpython-313.pyc"},
    {"é/ü.py", -1, "rel", "rel/home/user/work/é/ü.cpython-313.pyc"},
    {"", -1, "rel", "rel/home/user/work/cpython-313.pyc"},
    {"a.py", -1, "/", "/home/user/work/a.cpython-313.pyc"},
    {"d/a.py", -1, "/", "/home/user/work/d/a.cpython-313.pyc"},
    {"./a.py", -1, "/", "/home/user/work/./a.cpython-313.pyc"},
    {"./d/a.py", -1, "/", "/home/user/work/d/a.cpython-313.pyc"},
    {"/d/a.py", -1, "/", "/d/a.cpython-313.pyc"},
    {"/a.py", -1, "/", "/home/user/work/a.cpython-313.pyc"},
    {"d//a.py", -1, "/", "/home/user/work/d/a.cpython-313.pyc"},
    {"d/", -1, "/", "/home/user/work/d/cpython-313.pyc"},
    {".py", -1, "/", "/home/user/work/py.cpython-313.pyc"},
    {"d/.hidden", -1, "/", "/home/user/work/d/hidden.cpython-313.pyc"},
    {"noext", -1, "/", "/home/user/work/noextcpython-313.pyc"},
    {"a.b.py", -1, "/", "/home/user/work/a.b.cpython-313.pyc"},
    {"a.", -1, "/", "/home/user/work/a.cpython-313.pyc"},
    {"../a.py", -1, "/", "/home/user/work/../a.cpython-313.pyc"},
    {"é/ü.py", -1, "/", "/home/user/work/é/ü.cpython-313.pyc"},
    {"", -1, "/", "/home/user/work/cpython-313.pyc"},
};

static void test_cases(void **state) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path =
            pyc_path(cases[i].file, "cpython-313", cases[i].optimize, cases[i].prefix, "/home/user/work", true);
        if (strcmp(path, cases[i].wanted) != 0)
            fail_msg("'%s' with prefix '%s': '%s', not '%s'", cases[i].file, cases[i].prefix ? cases[i].prefix : "",
                     path, cases[i].wanted);
        free(path);
    }
}

static void test_dot_is_kept_before_3_12(void **state) {
    char *path = pyc_path("./d/a.py", "cpython-311", -1, "/c", "/w", false);
    assert_string_equal(path, "/c/w/./d/a.cpython-311.pyc");
    free(path);
}

static void test_legacy(void **state) {
    char *path = pyc_path_legacy("d/a.py");
    assert_string_equal(path, "d/a.pyc");
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_dot_is_kept_before_3_12),
        cmocka_unit_test(test_legacy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
