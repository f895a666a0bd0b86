/* Unit tests of what is pure in client/lsp: positions, edits, URIs, repaired JSON. */
#include "tests/unit/check.h"

#include <errno.h>

#include "client/lsp/repair.h"
#include "client/lsp/uri.h"
#include "proto/json.h"
#include "proto/position.h"
#include "proto/source_text.h"

static void test_columns(void **state) {
    static const char line[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x8dz"; /* a é € 🐍 z: 1, 2, 3, 4, 1 bytes */
    static const struct {
        enum position_encoding encoding;
        size_t columns[6];
    } cases[] = {
        {POSITION_UTF8, {0, 1, 3, 6, 10, 11}},
        {POSITION_UTF16, {0, 1, 2, 3, 5, 6}},
        {POSITION_UTF32, {0, 1, 2, 3, 4, 5}},
    };
    static const size_t bytes[6] = {0, 1, 3, 6, 10, 11};
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(position_to_byte(cases[c].encoding, line, 11, cases[c].columns[i]), bytes[i]);
            assert_int_equal(position_from_byte(cases[c].encoding, line, 11, bytes[i]), cases[c].columns[i]);
        }
    /* Inside of a character: its start. Behind the line: its end. */
    assert_int_equal(position_to_byte(POSITION_UTF16, line, 11, 4), 6);
    assert_int_equal(position_to_byte(POSITION_UTF8, line, 11, 2), 1);
    assert_int_equal(position_from_byte(POSITION_UTF32, line, 11, 8), 3);
    assert_int_equal(position_to_byte(POSITION_UTF16, line, 11, (size_t)-1), 11);
    assert_int_equal(position_from_byte(POSITION_UTF16, line, 11, 99), 6);
    assert_int_equal(position_to_byte(POSITION_UTF16, "", 0, 3), 0);
    /* Bytes that are not UTF-8 count as one each. */
    assert_int_equal(position_to_byte(POSITION_UTF16,
                                      "\xff\xfe"
                                      "a",
                                      3, 2),
                     2);
    assert_int_equal(position_from_byte(POSITION_UTF32,
                                        "\xf0\x9f"
                                        "a",
                                        3, 3),
                     3);
}

static void test_encoding_names(void **state) {
    enum position_encoding encoding = POSITION_UTF16;
    assert_int_equal(position_encoding_parse("utf-32", &encoding), 0);
    assert_int_equal(encoding, POSITION_UTF32);
    assert_int_equal(position_encoding_parse("utf-7", &encoding), -EINVAL);
    assert_string_equal(position_encoding_name(POSITION_UTF8), "utf-8");
}

static void expect_lines(const char *bytes, const char *const *lines) {
    struct source_text text = {0};
    size_t count = 0, len;
    source_text_set(&text, bytes, strlen(bytes));
    for (; lines[count] != NULL; count++) {
        const char *line = source_text_line(&text, count, &len);
        assert_non_null(line);
        assert_int_equal(len, strlen(lines[count]));
        assert_memory_equal(line, lines[count], len);
    }
    assert_int_equal(source_text_lines(&text), count);
    assert_null(source_text_line(&text, count, &len));
    source_text_deinit(&text);
}

static void test_lines(void **state) {
    expect_lines("", (const char *const[]){"", NULL});
    expect_lines("a", (const char *const[]){"a", NULL});
    expect_lines("a\n", (const char *const[]){"a", "", NULL});
    expect_lines("a\r\nb\rc\nd\r", (const char *const[]){"a", "b", "c", "d", "", NULL});
    expect_lines("\r\n\n\r\r", (const char *const[]){"", "", "", "", "", NULL});
    expect_lines("a\fb\v\xc2\x85", (const char *const[]){"a\fb\v\xc2\x85", NULL});
}

/* The index that edits leave is the one that the whole text would get. */
static void expect_text(const struct source_text *text, const char *wanted) {
    struct source_text fresh = {0};
    assert_int_equal(text->bytes.len, strlen(wanted));
    assert_memory_equal(text->bytes.data, wanted, strlen(wanted));
    source_text_set(&fresh, wanted, strlen(wanted));
    assert_int_equal(text->count, fresh.count);
    if (fresh.count > 0)
        assert_memory_equal(text->starts, fresh.starts, fresh.count * sizeof *fresh.starts);
    source_text_deinit(&fresh);
}

static void edit(struct source_text *text, size_t line, size_t column, size_t end_line, size_t end_column,
                 const char *bytes) {
    source_text_edit(text, POSITION_UTF16, (struct source_position){line, column},
                     (struct source_position){end_line, end_column}, bytes, strlen(bytes));
}

static void test_edits(void **state) {
    struct source_text text = {0};
    edit(&text, 0, 0, 0, 0, "one\ntwo\nthree");
    expect_text(&text, "one\ntwo\nthree");
    edit(&text, 1, 1, 1, 2, "W\nW");
    expect_text(&text, "one\ntW\nWo\nthree");
    edit(&text, 0, 3, 3, 0, " ");
    expect_text(&text, "one three");
    edit(&text, 0, 3, 0, 4, "\xf0\x9f\x90\x8d");
    edit(&text, 0, 5, 0, 6, "T"); /* behind both halves of the pair */
    expect_text(&text, "one\xf0\x9f\x90\x8dThree");
    edit(&text, 0, 3, 0, 5, "");
    expect_text(&text, "oneThree");
    edit(&text, 7, 7, 9, 9, "\n!"); /* behind the end */
    expect_text(&text, "oneThree\n!");
    edit(&text, 1, 1, 0, 0, "?"); /* an end before the start */
    expect_text(&text, "oneThree\n!?");
    edit(&text, 0, 99, 0, 99, "\r"); /* joins the newline that follows */
    expect_text(&text, "oneThree\r\n!?");
    edit(&text, 0, 99, 0, 99, ".");
    expect_text(&text, "oneThree.\r\n!?");
    edit(&text, 0, 9, 1, 0, "\r");
    edit(&text, 1, 0, 1, 0, "\n"); /* joins the carriage return before */
    expect_text(&text, "oneThree.\r\n!?");
    edit(&text, 0, 0, 9, 9, "");
    expect_text(&text, "");
    source_text_deinit(&text);
}

static void expect_path(const char *uri, const char *wanted) {
    char *path = uri_to_path(uri);
    if (wanted == NULL)
        assert_null(path);
    else
        assert_string_equal(path, wanted);
    free(path);
}

static void test_uris(void **state) {
    expect_path("file:///a/b.py", "/a/b.py");
    expect_path("FILE://LocalHost/a", "/a");
    expect_path("file:/a", "/a");
    expect_path("file:///a%20b%C3%a9%ff#x?y", "/a b\xc3\xa9\xff");
    expect_path("file:///a\xc3\xa9", "/a\xc3\xa9");
    expect_path("file://host/a", NULL);
    expect_path("file:///a%0", NULL);
    expect_path("file:///a%", NULL);
    expect_path("file:///a%gg", NULL);
    expect_path("file:///a%00b", NULL);
    expect_path("untitled:Untitled-1", NULL);
    expect_path("file:a", NULL);
    expect_path("", NULL);
    char *uri = uri_from_path("/a b/\xff%\xc3\xa9~-._1.py");
    assert_string_equal(uri, "file:///a%20b/%FF%25%C3%A9~-._1.py");
    expect_path(uri, "/a b/\xff%\xc3\xa9~-._1.py");
    free(uri);
}

static void expect_repaired(const char *text, const char *wanted) {
    struct buffer out = {0};
    repair_json(text, strlen(text), &out);
    assert_string_equal(buffer_string(&out), wanted);
    buffer_deinit(&out);
}

static void test_repair(void **state) {
    expect_repaired("[1, \"a\\n\\\\u0000\\\"\"]", "[1, \"a\\n\\\\u0000\\\"\"]");
    expect_repaired("\"\\u0000\"", "\"\\u0001\"");
    expect_repaired("\"\\ud83d\\udc0d\"", "\"\\ud83d\\udc0d\"");
    expect_repaired("\"\\ud83d\"", "\"\\ufffd\"");
    expect_repaired("\"\\ud83d\\u0041\"", "\"\\ufffd\\u0041\"");
    expect_repaired("\"\\udc80\\ude00\"", "\"\\udc80\\ufffd\"");
    expect_repaired("\"\xff\xc3\xa9\"", "\"\\udcff\xc3\xa9\"");
    expect_repaired("\xff", "\xff");
    expect_repaired("\"\\", "\"\\");
    expect_repaired("\"\\u12", "\"\\u12");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns), cmocka_unit_test(test_encoding_names), cmocka_unit_test(test_lines),
        cmocka_unit_test(test_edits),   cmocka_unit_test(test_uris),           cmocka_unit_test(test_repair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
