/* Unit tests of client/compileall/python_text: what repr(), sorted(), os.path.join() and str.strip() of CPython 3.13
 * gave for the same, after os.fsdecode(). */
#include "tests/unit/check.h"

#include "client/compileall/python_text.h"

static const struct {
    const char *name, *wanted;
} reprs[] = {
    {"a.py", "'a.py'"},
    {"", "''"},
    {"it's", "\"it's\""},
    {"say \"x\"", "'say \"x\"'"},
    {"both'\"", "'both\\'\"'"},
    {"back\\slash", "'back\\\\slash'"},
    {"\x0a\x0d\x09", "'\\n\\r\\t'"},
    {"x", "'x'"},
    {"\x7f\x1b", "'\\x7f\\x1b'"},
    {"\xc3\xa9", "'\xc3\xa9'"},
    {"\xc2\xa0", "'\\xa0'"},
    {"\xc2\xad", "'\\xad'"},
    {"\xe2\x82\xac", "'\xe2\x82\xac'"},
    {"\xe2\x80\x8b", "'\\u200b'"},
    {"\xed\x9f\xbf", "'\\ud7ff'"},
    {"\xee\x80\x80", "'\\ue000'"},
    {"\xf0\x90\x80\x80", "'\xf0\x90\x80\x80'"},
    {"\xf3\xa0\x80\x81", "'\\U000e0001'"},
    {"\xf0\x9f\x98\x80", "'\xf0\x9f\x98\x80'"},
    {"\xff", "'\\udcff'"},
    {"a\x80"
     "b",
     "'a\\udc80b'"},
    {"\xcd\xb8", "'\\u0378'"},
    {"\xe3\x80\x80", "'\\u3000'"},
    {"\xe2\x80\xa8", "'\\u2028'"},
};

static const char *const ordered[] = {
    "",
    "\x0a\x0d\x09",
    "B",
    "Z",
    "_",
    "a",
    "a.py",
    "ab",
    "a\x80\x62",
    "b",
    "back\\slash",
    "both'\"",
    "it's",
    "say \"x\"",
    "x",
    "zz",
    "\x7f\x1b",
    "\xc2\xa0",
    "\xc2\xad",
    "\xc3\xa9",
    "\xcd\xb8",
    "\xe2\x80\x8b",
    "\xe2\x80\xa8",
    "\xe2\x82\xac",
    "\xe3\x80\x80",
    "\xed\x9f\xbf",
    "\x81",
    "\xff",
    "\xee\x80\x80",
    "\xef\xbf\xbf",
    "\xf0\x90\x80\x80",
    "\xf0\x9f\x98\x80",
    "\xf3\xa0\x80\x81",
    "\xf4\x8f\xbf\xbf",
};

static const struct {
    const char *a, *b, *wanted;
} joined[] = {
    {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"},       {"a", "", "a/"},    {"a", "/b", "/b"},
    {"/", "b", "/b"},  {"", "", ""},       {"a//", "b", "a//b"}, {"//", "b", "//b"},
};

static const struct {
    const char *text, *wanted;
} stripped[] = {
    {" a ", "a"},
    {"\x09\x0a"
     "a\x0b\x0c\x0d",
     "a"},
    {"\xc2\xa0"
     "a\xe2\x80\x83",
     "a"},
    {"\xe2\x80\x8b"
     "a",
     "\xe2\x80\x8b"
     "a"},
    {"\x1c"
     "a\xc2\x85",
     "a"},
    {"", ""},
    {"   ", ""},
    {"a b", "a b"},
    {"\xe3\x80\x80x\xe2\x80\xa8", "x"},
    {"\xc3\xa9", "\xc3\xa9"},
    {"\xff"
     "a ",
     "\xff"
     "a"},
};

static void test_repr(void **state) {
    for (size_t i = 0; i < sizeof reprs / sizeof *reprs; i++) {
        struct buffer out = {0};
        python_text_repr(&out, reprs[i].name);
        assert_string_equal(buffer_string(&out), reprs[i].wanted);
        buffer_deinit(&out);
    }
}

static void test_compare(void **state) {
    const int count = sizeof ordered / sizeof *ordered;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < count; k++) {
            int order = python_text_compare(ordered[i], ordered[k]);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
}

static void test_join(void **state) {
    for (size_t i = 0; i < sizeof joined / sizeof *joined; i++) {
        char *path = python_text_join(joined[i].a, joined[i].b);
        assert_string_equal(path, joined[i].wanted);
        free(path);
    }
}

static void test_strip(void **state) {
    for (size_t i = 0; i < sizeof stripped / sizeof *stripped; i++) {
        const char *text = stripped[i].text;
        size_t len = python_text_strip(&text);
        assert_int_equal(len, strlen(stripped[i].wanted));
        assert_memory_equal(text, stripped[i].wanted, len);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_repr),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_strip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
