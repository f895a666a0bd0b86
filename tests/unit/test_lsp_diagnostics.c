/* Unit tests of client/lsp/diagnostics.c: the places of errors and warnings in each encoding. */
#include "tests/unit/check.h"

#include "client/lsp/diagnostics.h"
#include "proto/json.h"

static void expect(enum position_encoding encoding, const char *source, const char *result, const char *error,
                   const char *wanted) {
    struct source_text text = {0};
    source_text_set(&text, source, strlen(source));
    cJSON *result_tree = result ? cJSON_Parse(result) : NULL, *error_tree = error ? cJSON_Parse(error) : NULL;
    cJSON *all = diagnostics_build(&text, encoding, result_tree, error_tree);
    struct buffer out = {0};
    if (wanted == NULL) {
        assert_null(all);
    } else {
        json_print(all, &out);
        assert_string_equal(buffer_string(&out), wanted);
    }
    buffer_deinit(&out);
    cJSON_Delete(all);
    cJSON_Delete(result_tree);
    cJSON_Delete(error_tree);
    source_text_deinit(&text);
}

#define RANGE(line, from, to)                                                                                          \
    "\"range\":{\"start\":{\"line\":" #line ",\"character\":" #from "},\"end\":{\"line\":" #line ",\"character\":" #to \
    "}}"

/* An error that shows its line counts characters; the editor may count otherwise. */
#define PARSER_ERROR                                                                                                   \
    "{\"code\":-32001,\"data\":{\"exc_type_name\":\"SyntaxError\",\"exc_value\":{\"msg\":\"m\",\"filename\":"          \
    "\"/dev/null/buffer\",\"lineno\":1,\"offset\":3,\"end_lineno\":1,\"end_offset\":4,\"text\":\"t\"},"                \
    "\"warnings\":[{\"category\":\"SyntaxWarning\",\"message\":\"w\",\"lineno\":2}]}}"
#define SOURCE "a\xf0\x9f\x90\x8d!\n  b \n"

static void test_error_and_warning(void **state) {
    static const char warning[] = ",{" RANGE(1, 2, 3) ",\"severity\":2,\"code\":\"SyntaxWarning\",\"source\":"
                                                      "\"pycompiled\",\"message\":\"w\"}]";
    static const char *const places[] = {
        [POSITION_UTF16] = RANGE(0, 3, 4), [POSITION_UTF8] = RANGE(0, 5, 6), [POSITION_UTF32] = RANGE(0, 2, 3)};
    for (enum position_encoding encoding = POSITION_UTF16; encoding <= POSITION_UTF32; encoding++) {
        char *wanted = xasprintf("[{%s,\"severity\":1,\"code\":\"SyntaxError\",\"source\":\"pycompiled\","
                                 "\"message\":\"m\"}%s",
                                 places[encoding], warning);
        expect(encoding, SOURCE, NULL, PARSER_ERROR, wanted);
        free(wanted);
    }
}

static void test_no_place(void **state) {
    expect(POSITION_UTF16, "  x\n", NULL, "{\"code\":-32004,\"message\":\"took too long\"}",
           "[{" RANGE(0, 2, 3) ",\"severity\":1,\"code\":\"Timeout\",\"source\":\"pycompiled\",\"message\":"
                               "\"took too long\"}]");
    expect(POSITION_UTF16, "", NULL, "{\"code\":-32603,\"message\":\"m\",\"data\":{\"exc_type_name\":\"ValueError\"}}",
           "[{" RANGE(0, 0, 0) ",\"severity\":1,\"code\":\"ValueError\",\"source\":\"pycompiled\",\"message\":\"m\"}]");
}

/* Errors of the daemon's state are no diagnostics, and neither is a result without warnings. */
static void test_nothing(void **state) {
    expect(POSITION_UTF16, "x", NULL, "{\"code\":-32005,\"message\":\"draining\"}", NULL);
    expect(POSITION_UTF16, "x", NULL, "{\"code\":1e300}", NULL);
    expect(POSITION_UTF16, "x", NULL, "{}", NULL);
    expect(POSITION_UTF16, "x", "{}", NULL, "[]");
    expect(POSITION_UTF16, "x", "{\"warnings\":[]}", NULL, "[]");
}

/* Lines and columns that are not in the text mean the nearest that are. */
static void test_places_outside(void **state) {
    expect(POSITION_UTF16, "ab", "{\"warnings\":[{\"lineno\":99},{\"lineno\":-1},{}]}", NULL,
           "[{" RANGE(
               0, 0, 2) ",\"severity\":2,\"source\":\"pycompiled\",\"message\":\"\"},"
                        "{" RANGE(0, 0, 2) ",\"severity\":2,\"source\":\"pycompiled\",\"message\":\"\"},"
                                           "{" RANGE(0, 0,
                                                     2) ",\"severity\":2,\"source\":\"pycompiled\",\"message\":\"\"}]");
    expect(POSITION_UTF16, "ab", NULL,
           "{\"code\":-32001,\"data\":{\"exc_value\":{\"filename\":\"/dev/null/buffer\",\"lineno\":1,\"offset\":1e300,"
           "\"end_lineno\":1e300,\"end_offset\":1}}}",
           "[{" RANGE(0, 2, 2) ",\"severity\":1,\"source\":\"pycompiled\",\"message\":\"\"}]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_and_warning),
        cmocka_unit_test(test_no_place),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_places_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
