/* Which errors the cache may keep: those that say nothing of the machine, and that show a line of the source. */
#include "tests/unit/check.h"

#include "host/lasting_error.h"
#include "proto/json.h"

struct error {
    const char *type, *msg, *text;
    long lineno; /* 0: none */
};

static bool lasts(struct error error, const char *source) {
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "exc_type_name", error.type);
    cJSON_AddStringToObject(data, "msg", "words");
    cJSON *value = cJSON_AddObjectToObject(data, "exc_value");
    json_add_string_or_null(value, "msg", error.msg);
    json_add_string_or_null(value, "text", error.text);
    if (error.lineno > 0)
        cJSON_AddNumberToObject(value, "lineno", (double)error.lineno);
    else
        cJSON_AddNullToObject(value, "lineno");
    bool lasts = lasting_error(data, source, strlen(source));
    cJSON_Delete(data);
    return lasts;
}

static void test_classes(void **state) {
    static const struct {
        const char *type, *msg;
        bool lasts;
    } cases[] = {
        {"SyntaxError", "invalid syntax", true},
        {"IndentationError", "unexpected indent", true},
        {"TabError", "inconsistent use of tabs", true},
        {"MemoryError", "", false},
        {"RecursionError", "maximum recursion depth exceeded during compilation", false},
        {"DeprecationWarning", "invalid syntax", false},
        {"ValueError", "invalid syntax", false},
        {"OSError", "too many open files", false},
        {"SyntaxError", "encoding problem: koi8-r", false},
        {"SyntaxError", "unknown encoding: koi8-r", false},
        {"SyntaxError", "(unicode error) \\N escapes not supported (can't load unicodedata module)", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(lasts((struct error){cases[i].type, cases[i].msg, "b\n", 2}, "a\nb\n"), cases[i].lasts);
}

static void test_null_bytes(void **state) {
    const char *msg = "source code string cannot contain null bytes";
    assert_true(lasts((struct error){"ValueError", msg, NULL, 0}, ""));
    assert_true(lasts((struct error){"SyntaxError", msg, NULL, 0}, ""));
    assert_false(lasts((struct error){"SyntaxError", msg, NULL, 1}, ""));
    assert_false(lasts((struct error){"SyntaxError", "invalid syntax", NULL, 1}, "x\n"));
}

static void test_lines(void **state) {
    static const struct {
        const char *source, *text;
        long lineno;
        bool lasts;
    } cases[] = {
        {"a\nb\n", "b", 2, true},
        {"a\r\nb\rc", "c\n", 3, true},
        {"a\nb\n", "a\n", 2, false},
        {"a\nb\n", "b\nc\n", 2, false},
        {"a\nb\n", "bb", 2, false},
        {"a\nb\n", "", 2, false},
        {"a\nb\n", "", 3, true},
        {"a\nb\n", "c", 3, false},
        {"a\n", "a", 0, false},
        {"\xef\xbb\xbf"
         "a\nb",
         "a\n", 1, false},
        {"\xef\xbb\xbf"
         "a\nb",
         "\xef\xbb\xbf"
         "a\n",
         1, false},
        {"\xef\xbb\xbf"
         "a\nb",
         "b\n", 2, true},
        {"\xc3\xa9 \xff x", "\xc3\xa9 \xef\xbf\xbd x", 1, true},
        {"\xe2\x82 x", "\xef\xbf\xbd x", 1, true},
        {"\xe2\x82 x", "\xef\xbf\xbd\xef\xbf\xbd x", 1, false},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 1, true},
        {"\xf0\x9f\x92", "\xef\xbf\xbd", 1, true},
        {"# coding: latin-1\n\xe9", "\xc3\xa9", 2, false},
        {"# coding: latin-1\n\xe9\nx", "x\n", 3, true},
        {"\xff", "\xef\xbf", 1, false},
        {"\xff", "\xef\xbf\xbdx", 1, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {"SyntaxError", "bad", cases[i].text, cases[i].lineno};
        if (lasts(error, cases[i].source) != cases[i].lasts)
            fail_msg("case %zu", i);
    }
}

/* CPython shows the end of such a line, or all of it. */
static void test_long_lines(void **state) {
    char line[1200];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\0';
    assert_false(lasts((struct error){"SyntaxError", "bad", line, 1}, line));
    line[900] = '\0';
    assert_true(lasts((struct error){"SyntaxError", "bad", line, 1}, line));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_null_bytes),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_long_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
