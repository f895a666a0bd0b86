/* Unit tests of host/source_lines. */
#include "tests/unit/check.h"

#include "host/source_lines.h"

static enum source_lines_status status_of(const char *source) {
    struct source_lines lines;
    return source_lines_init(&lines, source, strlen(source));
}

/* Checks that line `number` is `expected`, or that there is none where it is NULL. */
static void check_line(struct source_lines *lines, long number, const char *expected) {
    const char *text;
    size_t len;
    bool found = source_lines_find(lines, number, &text, &len);
    assert_int_equal(found, expected != NULL);
    if (expected != NULL) {
        assert_int_equal(len, strlen(expected));
        assert_memory_equal(text, expected, len);
    }
}

static void test_status(void **state) {
    assert_int_equal(status_of(""), SOURCE_LINES_READY);
    assert_int_equal(status_of("x = '\xc3\xa9'\n"), SOURCE_LINES_READY);
    assert_int_equal(status_of("#\n# -*- coding: UTF-8 -*-\n"), SOURCE_LINES_READY);
    assert_int_equal(status_of("#\n#\n# coding: latin-1\n"), SOURCE_LINES_READY);
    assert_int_equal(status_of("# coding: utf-8-sig\n"), SOURCE_LINES_UNKNOWN);
    assert_int_equal(status_of("# coding: utf-8, coding=latin-1\n"), SOURCE_LINES_READY);
    assert_int_equal(status_of("# coding: ascii\n"), SOURCE_LINES_ENCODED);
    assert_int_equal(status_of("# coding:\n"), SOURCE_LINES_READY);
    assert_int_equal(status_of("# coding: rot13\n"), SOURCE_LINES_UNKNOWN);
    assert_int_equal(status_of("\xef\xbb\xbf# x\n"), SOURCE_LINES_READY);
    assert_int_equal(status_of("\xef\xbb\xbf# coding: utf8\n"), SOURCE_LINES_UNKNOWN);
    static const char *const broken[] = {"\xff", "long enough \xc3", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_int_equal(status_of(broken[i]), SOURCE_LINES_NONE);
}

/* Checks which encoding tokenize finds: NULL for UTF-8. */
static void check_encoding(const char *source, const char *expected) {
    char name[SOURCE_COOKIE_SIZE];
    enum source_cookie cookie = source_cookie_find(source, strlen(source), name);
    assert_int_equal(cookie, expected ? SOURCE_COOKIE_NAMED : SOURCE_COOKIE_UTF8);
    if (expected != NULL)
        assert_string_equal(name, expected);
}

static void test_declarations(void **state) {
    check_encoding("# -*- coding: latin_1 -*-\n", "latin-1");
    check_encoding("\f \t#vim:fileencoding=CP1252\n", "CP1252");
    check_encoding("#!/bin/sh\n# coding:\t koi8-r", "koi8-r");
    check_encoding("\r\n# coding: big5\n", "big5");
    check_encoding("# coding:: coding: ascii\n", "ascii");
    check_encoding("x = 1\n# coding: latin-1\n", NULL);
    check_encoding("x = 1 # coding: latin-1\n", NULL);
    check_encoding("#\n#\n# coding: latin-1\n", NULL);
    check_encoding("# Coding: latin-1\n", NULL);
    check_encoding("# coding latin-1\n", NULL);
    check_encoding("", NULL);
    char name[SOURCE_COOKIE_SIZE];
    assert_int_equal(source_cookie_find("# \xe9 coding: latin-1\n", 22, name), SOURCE_COOKIE_BROKEN);
    assert_int_equal(source_cookie_find("# coding: a-name-that-is-long\n", 30, name), SOURCE_COOKIE_UNKNOWN);
}

static void test_decoded_lines(void **state) {
    struct source_lines lines;
    assert_int_equal(source_lines_init(&lines, "# coding: latin-1\n\xe9\n", 20), SOURCE_LINES_ENCODED);
    assert_string_equal(lines.encoding, "latin-1");
    source_lines_use(&lines, "# coding: latin-1\n\xc3\xa9\n", 21);
    check_line(&lines, 2, "\xc3\xa9");
    check_line(&lines, 3, NULL);
}

static void test_lines(void **state) {
    static const char source[] = "\xef\xbb\xbf"
                                 "one\ntwo\r\nthree\r\r\n\nsix\r\nseven";
    struct source_lines lines;
    assert_int_equal(source_lines_init(&lines, source, sizeof source - 1), SOURCE_LINES_READY);
    static const char *const expected[] = {"one", "two", "three", "", "", "six", "seven"};
    for (int way = 0; way < 2; way++)
        for (long i = 0; i < 7; i++) {
            long number = way == 0 ? i + 1 : 7 - i;
            check_line(&lines, number, expected[number - 1]);
        }
    check_line(&lines, 8, NULL);
    check_line(&lines, 0, NULL);
    check_line(&lines, -1, NULL);
    check_line(&lines, 2, "two");
    check_line(&lines, 2, "two");
    assert_int_equal(source_lines_init(&lines, "a\n", 2), SOURCE_LINES_READY);
    check_line(&lines, 1, "a");
    check_line(&lines, 2, NULL);
    assert_int_equal(source_lines_init(&lines, "", 0), SOURCE_LINES_READY);
    check_line(&lines, 1, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_declarations),
        cmocka_unit_test(test_decoded_lines),
        cmocka_unit_test(test_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
