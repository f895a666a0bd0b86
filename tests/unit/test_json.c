/* Unit tests of proto/json: refused texts, strings, and raw parts. */
#include "tests/unit/check.h"

#include "proto/json.h"

static void test_refused(void **state) {
    static const char *const texts[] = {"",
                                        " ",
                                        "{",
                                        "}",
                                        "[1,]",
                                        "{\"a\":1,}",
                                        "{\"a\" 1}",
                                        "{a:1}",
                                        "'a'",
                                        "\"a",
                                        "\"\\x\"",
                                        "\"\\u12\"",
                                        "\"\\u0000\"",
                                        "\"\\ud800\"",
                                        "\"\\ud800\\u0041\"",
                                        "\"\\udc00\"",
                                        "\"\\udd00\"",
                                        "\"\x01\"",
                                        "\"\n\"",
                                        "\"\xff\"",
                                        "\"\xc0\x80\"",
                                        "\"\xed\xa0\x80\"",
                                        "\"\xf4\x90\x80\x80\"",
                                        "\"\xe2\x82\"",
                                        "01",
                                        "1.",
                                        ".5",
                                        "+1",
                                        "-",
                                        "1e",
                                        "1e+",
                                        "0x1",
                                        "NaN",
                                        "Infinity",
                                        "tru",
                                        "nulll",
                                        "1 2",
                                        "[1]]",
                                        "\"a\" b",
                                        "\xef\xbb\xbf{}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *error = NULL;
        cJSON *tree = json_parse(texts[i], strlen(texts[i]), &error);
        if (tree != NULL)
            fail_msg("accepted: %s", texts[i]);
        assert_non_null(error);
    }
    const char *error;
    assert_null(json_parse("1\0", 2, &error));
}

static void test_depth(void **state) {
    char text[2 * JSON_DEPTH_MAX + 2];
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    assert_null(json_check(text, 2 * JSON_DEPTH_MAX));
    memset(text, '[', JSON_DEPTH_MAX + 1);
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    assert_non_null(json_check(text, 2 * JSON_DEPTH_MAX + 2));
}

static void test_limits(void **state) {
    const struct json_limits limits = {.depth = 2, .values = 5};
    assert_null(json_check_within("[[1],2,3]", 9, &limits));
    assert_non_null(json_check_within("[[[]]]", 6, &limits));
    assert_non_null(json_check_within("[[1],2,3,4]", 11, &limits));
    assert_non_null(json_check_within("{\"a\":{\"b\":{}}}", 15, &limits));
}

/* Parses `text`, prints it, and compares. */
static void check_round(const char *text, const char *printed) {
    const char *error;
    cJSON *tree = json_parse(text, strlen(text), &error);
    if (tree == NULL)
        fail_msg("%s: %s", text, error);
    struct buffer out = {0};
    json_print(tree, &out);
    assert_string_equal(buffer_string(&out), printed);
    buffer_deinit(&out);
    cJSON_Delete(tree);
}

static void test_round(void **state) {
    check_round(" { \"a\" : [ 1 , -2.5 , true , false , null , \"x\" ] , \"b\" : { } } ",
                "{\"a\":[1,-2.5,true,false,null,\"x\"],\"b\":{}}");
    check_round("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u001f\\u007f\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u001f\\u007f\"");
    check_round("\"\\u00e9\\ud83d\\ude00\xe2\x82\xac\"", "\"\xc3\xa9\xf0\x9f\x98\x80\xe2\x82\xac\"");
    check_round("\"\\udc80x\\udcff\\\\udc80\"", "\"\\udc80x\\udcff\\\\udc80\"");
    check_round("1e3", "1000");
    check_round("123456789012", "123456789012");
}

static void test_bytes_in_strings(void **state) {
    const char *error, *text = "{\"a\":\"/\\udcff\\udCe9.py\"}";
    cJSON *tree = json_parse(text, strlen(text), &error);
    assert_string_equal(json_get_string(tree, "a"), "/\xff\xe9.py");
    assert_null(json_get_string(tree, "A"));
    cJSON_Delete(tree);
    /* A high surrogate that is followed by an escape of a byte is not a pair. */
    assert_non_null(json_check("\"\\ud83d\\u0041\"", 14));
}

static void expect_member(const char *text, const char *name, const char *wanted) {
    assert_null(json_check(text, strlen(text)));
    struct json_span found = json_member(text, strlen(text), name);
    if (wanted == NULL) {
        assert_null(found.text);
        return;
    }
    assert_non_null(found.text);
    assert_int_equal(found.len, strlen(wanted));
    assert_memory_equal(found.text, wanted, found.len);
}

static void test_member(void **state) {
    const char *text =
        " { \"x\" : { \"id\" : 1, \"}\": \"\\\"]\" } , \"id\" : 9007199254740993 , \"e\":\"\",\"z\":[ ] } ";
    expect_member(text, "id", "9007199254740993");
    expect_member(text, "x", "{ \"id\" : 1, \"}\": \"\\\"]\" }");
    expect_member(text, "e", "\"\"");
    expect_member(text, "z", "[ ]");
    expect_member(text, "i", NULL);
    expect_member("{}", "id", NULL);
    expect_member("[1]", "id", NULL);
    expect_member("{\"id\":1,\"id\":2}", "id", "2");
}

/* A name is the same name however it is escaped. */
static void test_escaped_names(void **state) {
    expect_member("{\"\\u0069d\":1}", "id", "1");
    expect_member("{\"i\\u0064\":1}", "id", "1");
    expect_member("{\"id\":1,\"\\u0069\\u0064\":2}", "id", "2");
    expect_member("{\"\\u0069\":1}", "id", NULL);
    expect_member("{\"\\u0069dd\":1}", "id", NULL);
    expect_member("{\"id\\n\":1}", "id", NULL);
    expect_member("{\"\\u00e9d\":1,\"\\udce9d\":2,\"i\\\\d\":3}", "id", NULL);
}

static void test_grammar(void **state) {
    static const struct json_limits limits = {JSON_DEPTH_MAX, SIZE_MAX};
    static const char *const lone[] = {"\"\\ud800\"", "\"\\udc7f\"", "\"\\udfff\"", "\"\\ud800\\ud800\\udc00\"",
                                       "\"\\ud800\\n\""};
    for (size_t i = 0; i < sizeof lone / sizeof *lone; i++) {
        assert_non_null(json_check(lone[i], strlen(lone[i])));
        assert_null(json_check_grammar(lone[i], strlen(lone[i]), &limits));
    }
    assert_non_null(json_check_grammar("\"\\u0000\"", 8, &limits));
    assert_non_null(json_check_grammar("\"\\ud8\"", 6, &limits));
    assert_non_null(json_check_grammar("[[]]", 4, &(struct json_limits){1, 9}));
}

static void test_integers(void **state) {
    static const struct {
        const char *text;
        long wanted;
    } cases[] = {{"7", 7},      {"-3", -3},    {"7.0", 7},     {"10", 10},   {"11", 99},    {"-4", 99},    {"0.5", 99},
                 {"1e300", 99}, {"\"7\"", 99}, {"-1e300", 99}, {"null", 99}, {"1e400", 99}, {"-1e400", 99}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *error;
        cJSON *object = cJSON_CreateObject();
        cJSON_AddItemToObject(object, "n", json_parse(cases[i].text, strlen(cases[i].text), &error));
        assert_int_equal(json_get_integer(object, "n", -3, 10, 99), cases[i].wanted);
        cJSON_Delete(object);
    }
    assert_int_equal(json_get_integer(NULL, "n", -3, 10, 99), 99);
}

static void test_members(void **state) {
    static const char *const names[] = {"b", "none", "a"};
    struct json_span found[3];
    const char *text = "{\"a\":1,\"b\":[2],\"c\":{\"none\":3},\"a\":4}";
    json_members(text, strlen(text), names, found, 3);
    assert_memory_equal(found[0].text, "[2]", found[0].len);
    assert_null(found[1].text);
    assert_memory_equal(found[2].text, "4", found[2].len);
    json_members("[]", 2, names, found, 3);
    assert_null(found[0].text);
}

/* Strings are checked eight bytes at a time: every byte counts at every place of them, whatever its neighbours. */
static void test_every_byte_at_every_place(void **state) {
    for (int neighbour = 0; neighbour < 3; neighbour++)
        for (size_t at = 1; at < 20; at++)
            for (int byte = 0; byte < 256; byte++) {
                char text[24];
                memset(text, " ~\x7f"[neighbour], sizeof text);
                text[0] = text[21] = '"';
                text[at] = (char)byte;
                bool fine = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
                assert_int_equal(json_check(text, 22) == NULL, fine);
            }
}

static void append_element(struct json_span element, void *context) {
    buffer_append(context, element.text, element.len);
    buffer_append_char(context, '|');
}

static void test_elements(void **state) {
    struct buffer out = {0};
    const char *text = " [ {\"a\":[1,2]} , \"],[\" ,3 ] ";
    json_each_element(text, strlen(text), append_element, &out);
    assert_string_equal(buffer_string(&out), "{\"a\":[1,2]}|\"],[\"|3|");
    buffer_deinit(&out);
    json_each_element("[ ]", 3, append_element, &out);
    assert_int_equal(out.len, 0);
}

static unsigned allocations;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size) {
    allocations++;
    return __real_malloc(size);
}

/* The linker wraps the malloc() of this program and not that of libcjson: an allocation is seen where cJSON asks ours.
 */
static void test_cjson_allocates_with_ours(void **state) {
    const char *error;
    allocations = 0;
    cJSON *tree = json_parse("[\"a\"]", 5, &error);
    assert_true(allocations >= 3); /* two nodes and the text; versions of cJSON differ beyond that */
    cJSON_Delete(tree);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_every_byte_at_every_place),
        cmocka_unit_test(test_bytes_in_strings),
        cmocka_unit_test(test_member),
        cmocka_unit_test(test_escaped_names),
        cmocka_unit_test(test_grammar),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_cjson_allocates_with_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
