/* Keys and entries: what differs has another key; an entry gives back what was put in, under
 * another name too. */
#include "tests/unit/check.h"

#include "cache/entry.h"
#include "cache/key.h"
#include "cache/pyc_stream.h"
#include "proto/json.h"

#define append_bytes(out, literal) buffer_append(out, literal, sizeof(literal) - 1)

/* A module of 3.11 or later without contents, under a short name. */
static struct buffer make_stream(const char *name) {
    struct buffer out = {0};
    append_bytes(&out, "\xe3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    append_bytes(&out, "s\1\0\0\0c)\0)\0)\0s\0\0\0\0");
    if (!pyc_stream_encode_name(name, (uint8_t)('z' | 0x80), &out)) {
        append_bytes(&out, "\xfa\1");
        buffer_append_string(&out, name);
    }
    append_bytes(&out, "Z\1fZ\1f\1\0\0\0s\0\0\0\0s\0\0\0\0");
    return out;
}

static struct buffer encode(const char *name, const char *warnings) {
    const char *error;
    struct buffer stream = make_stream(name), entry = {0};
    cJSON *tree = json_parse(warnings, strlen(warnings), &error);
    const struct entry_outcome outcome = {
        .kind = ENTRY_CODE, .stream = stream.data, .len = stream.len, .minor = 13, .name = name, .json = tree};
    entry_encode(&outcome, &entry);
    cJSON_Delete(tree);
    buffer_deinit(&stream);
    return entry;
}

/* The warnings under that name as JSON, or NULL; the caller frees. The stream must be that of the name.
 */
static char *decode(const struct buffer *entry, const char *name) {
    struct buffer stream = {0}, text = {0};
    cJSON *warnings;
    if (entry_decode(entry->data, entry->len, name, &stream, &warnings) != ENTRY_CODE)
        return NULL;
    struct buffer wanted = make_stream(name);
    assert_int_equal(stream.len, wanted.len);
    assert_memory_equal(stream.data, wanted.data, wanted.len);
    json_print(warnings, &text);
    cJSON_Delete(warnings);
    buffer_deinit(&stream);
    buffer_deinit(&wanted);
    return buffer_string(&text);
}

static void check(const struct buffer *entry, const char *name, const char *wanted) {
    char *warnings = decode(entry, name);
    assert_string_equal(warnings ? warnings : "none", wanted);
    free(warnings);
}

static void test_names(void **state) {
    struct buffer entry = encode("/a.py", "[]");
    check(&entry, "/a.py", "[]");
    check(&entry, "/another/place/b.py", "[]");
    check(&entry, "a", "none");
    buffer_deinit(&entry);
    entry = encode("a", "[]"); /* a single character is bound by itself */
    check(&entry, "a", "[]");
    check(&entry, "/b.py", "none");
    buffer_deinit(&entry);
}

static void test_warnings(void **state) {
    struct buffer entry =
        encode("/a.py", "[{\"category\":\"W\",\"filename\":\"/a.py\",\"text\":\"/a.py:1: W: /a.py\\n\","
                        "\"lineno\":1},{\"filename\":null,\"text\":\"x\"}]");
    check(&entry, "/b\xff.py",
          "[{\"category\":\"W\",\"lineno\":1,\"filename\":\"/b\\udcff.py\",\"text\":\"/b\\udcff.py:1: W: /a.py\\n\"},"
          "{\"filename\":null,\"text\":\"x\"}]");
    buffer_deinit(&entry);
}

/* The name may stand in their text at other places too, so they are bound to it. */
static void test_warnings_of_other_files(void **state) {
    static const char *const warnings[] = {"[{\"filename\":\"<frozen>\",\"text\":\"<frozen>:2: /a.py\\n\"}]",
                                           "[{\"filename\":\"/a.py\",\"text\":\"a.py:1: W\\n\"}]",
                                           "[{\"filename\":\"/a.py\"}]"};
    for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++) {
        struct buffer entry = encode("/a.py", warnings[i]);
        check(&entry, "/a.py", warnings[i]);
        check(&entry, "/b.py", "none");
        buffer_deinit(&entry);
    }
}

static struct buffer encode_error(const char *name, const char *data) {
    const char *error;
    struct buffer entry = {0};
    cJSON *tree = json_parse(data, strlen(data), &error);
    entry_encode(&(struct entry_outcome){.kind = ENTRY_ERROR, .name = name, .json = tree}, &entry);
    cJSON_Delete(tree);
    return entry;
}

/* The entry gives that data under that name; NULL: it does not serve the name. */
static void check_error(const struct buffer *entry, const char *name, const char *wanted) {
    struct buffer stream = {0}, text = {0};
    cJSON *data = NULL;
    enum entry_kind kind = entry_decode(entry->data, entry->len, name, &stream, &data);
    assert_int_equal(kind, wanted ? ENTRY_ERROR : ENTRY_NONE);
    assert_int_equal(stream.len, 0);
    if (wanted != NULL) {
        json_print(data, &text);
        assert_string_equal(buffer_string(&text), wanted);
    }
    cJSON_Delete(data);
    buffer_deinit(&text);
}

#define VALUE(msg, filename, text)                                                                                     \
    "\"exc_value\":{\"msg\":\"" msg "\",\"filename\":" filename ",\"text\":" text                                      \
    ",\"lineno\":3,\"offset\":1,\"end_lineno\":3,\"end_offset\":null},\"warnings\":[]}"
#define SYNTAX_ERROR(name, msg)                                                                                        \
    "{\"exc_type_name\":\"SyntaxError\",\"msg\":\"  File \\\"" name "\\\", line 3\\n    /d/a.py (\\n    ^\\n"          \
    "SyntaxError: " msg "\\n\",\"file\":\"" name "\"," VALUE(msg, "\"" name "\"", "\"/d/a.py (\\n\"")
#define TAB_ERROR(name, base, msg)                                                                                     \
    "{\"exc_type_name\":\"TabError\",\"msg\":\"Sorry: TabError: " msg " (" base ", line 3)\",\"file\":\"" name         \
    "\"," VALUE(msg, "\"" name "\"", "\"x\"")
#define PLAIN_ERROR(name, msg)                                                                                         \
    "{\"exc_type_name\":\"ValueError\",\"msg\":\"Sorry: ValueError: " msg "\",\"file\":\"" name                        \
    "\"," VALUE(msg, "null", "null")

static void test_errors(void **state) {
    struct buffer entry = encode_error("/d/a.py", SYNTAX_ERROR("/d/a.py", "bad"));
    check_error(&entry, "/d/a.py", SYNTAX_ERROR("/d/a.py", "bad"));
    check_error(&entry, "other\xff", SYNTAX_ERROR("other\\udcff", "bad"));
    check_error(&entry, "b \"(.py", SYNTAX_ERROR("b \\\"(.py", "bad"));
    check_error(&entry, "File \"<string>\"", NULL); /* py_compile would put the whole name into its middle */
    buffer_deinit(&entry);
    entry = encode_error("a.py", TAB_ERROR("a.py", "a.py", "bad"));
    check_error(&entry, "/e/f/\xff", TAB_ERROR("/e/f/\\udcff", "\\udcff", "bad"));
    check_error(&entry, "a.py", TAB_ERROR("a.py", "a.py", "bad"));
    buffer_deinit(&entry);
    entry = encode_error("/d/a.py", PLAIN_ERROR("/d/a.py", "bad"));
    check_error(&entry, "b.py", PLAIN_ERROR("b.py", "bad"));
    buffer_deinit(&entry);
}

/* Where a name may stand anywhere else, the entry serves that name alone. */
static void test_errors_that_are_bound(void **state) {
    static const char *const errors[] = {
        SYNTAX_ERROR("/d/a.py", "bad code in /d/a.py"),
        SYNTAX_ERROR("/d/a.py", "bad code in a.py"),
        SYNTAX_ERROR("/d/a.py", "bad <string>"),
        SYNTAX_ERROR("/d/a.pyc", "bad"),
        TAB_ERROR("/d/a.py", "d/a.py", "bad"),
        PLAIN_ERROR("/d/a.py", "bad code in a.py"),
        TAB_ERROR("/d/a.py", "a.py", "bad \\\"<string>"),
    };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct buffer entry = encode_error("/d/a.py", errors[i]);
        check_error(&entry, "/d/a.py", i == 3 ? NULL : errors[i]); /* that one is not of this file */
        check_error(&entry, "/d/b.py", NULL);
        buffer_deinit(&entry);
    }
}

/* Copies of exactly the length, so that a sanitizer sees a read past the end. */
static void damage(struct buffer *entry, size_t parts) {
    struct buffer stream = {0};
    cJSON *json;
    for (size_t len = 0; len < entry->len; len++) {
        char *copy = xmalloc(len + 1);
        memcpy(copy + 1, entry->data, len);
        assert_int_equal(entry_decode(copy + 1, len, "/b.py", &stream, &json), ENTRY_NONE);
        free(copy);
    }
    for (size_t i = 0; i < parts; i++) {
        for (int byte = 0; byte < 256; byte++) {
            char old = entry->data[i];
            entry->data[i] = (char)byte;
            if (entry_decode(entry->data, entry->len, "/b.py", &stream, &json) != ENTRY_NONE)
                cJSON_Delete(json);
            entry->data[i] = old;
        }
    }
    buffer_deinit(&stream);
    buffer_deinit(entry);
}

#define HEAD_SIZE 32

static void test_damage(void **state) {
    struct buffer code = encode("/a.py", "[{\"filename\":\"/a.py\",\"text\":\"/a.py:1\"}]");
    struct buffer error = encode_error("/a.py", SYNTAX_ERROR("/a.py", "bad"));
    damage(&code, HEAD_SIZE);
    damage(&error, error.len);
}

static struct store_key key_of(struct key_question question, struct compile_request request, const char *options) {
    const char *error;
    struct store_key key;
    cJSON *warnings = options ? json_parse(options, strlen(options), &error) : NULL;
    request.warnings = warnings;
    question.request = &request;
    key_of_question(&question, &key);
    cJSON_Delete(warnings);
    return key;
}

static void test_keys(void **state) {
    const struct key_question base = {.python = "3.13", .magic = 1, .source = "ab", .len = 2};
    const struct compile_request plain = {.file = "/a.py", .optimize = -1};
    struct key_question others[7] = {base, base, base, base, base, base, base};
    struct compile_request requests[7] = {plain, plain, plain, plain, plain, plain, plain};
    struct store_key keys[13], same;
    others[0].python = "3.131";
    others[1].magic = 2;
    requests[2].optimize = 1;
    others[3].source = "ac";
    others[4].len = 1;
    requests[5].optimize = 2;
    requests[6].file = "__main__.py";
    for (int i = 0; i < 6; i++)
        keys[i] = key_of(others[i], requests[i], NULL);
    keys[12] = key_of(others[6], requests[6], NULL);
    keys[6] = key_of(base, plain, NULL);
    keys[7] = key_of(base, plain, "[\"ab\"]");
    keys[8] = key_of(base, plain, "[\"a\",\"b\"]");
    keys[9] = key_of(base, plain, "[\"b\",\"a\"]");
    keys[10] = key_of(base, plain, "[\"\"]");
    keys[11] = key_of(base, plain, "[\"\",\"\"]");
    for (int i = 0; i < 13; i++)
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(&keys[i], &keys[j], sizeof keys[i]);
    requests[0] = plain;
    requests[0].optimize = 0; /* what -1 means */
    same = key_of(base, requests[0], "[]");
    assert_memory_equal(&same, &keys[6], sizeof same);
}

static void test_name_matters(void **state) {
    static const struct {
        const char *name, *options;
        bool matters;
    } cases[] = {
        {"/a/b.py", "[]", false},
        {"__main__.py", "[]", true},
        {"/a/__main__.py", "[]", true}, /* for a Python from 3.15 on */
        {"/__main__/a.py", "[]", true},
        {"<a>", "[]", true},
        {"<a>.py", "[]", false},
        {"/a/b.py", "[\"error\",\"ignore::SyntaxWarning\",\"default:::\",\"default:::: \",\"default::: :3\"]", false},
        {"/a/b.py", "[\"error\",\"ignore:::b\"]", true},
        {"/a/b.py", "[\"ignore:a:SyntaxWarning: b:3\"]", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *error;
        cJSON *options = json_parse(cases[i].options, strlen(cases[i].options), &error);
        assert_int_equal(key_name_matters(cases[i].name, options), cases[i].matters);
        cJSON_Delete(options);
    }
    assert_false(key_name_matters("/a/b.py", NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_warnings_of_other_files),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_errors_that_are_bound),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_name_matters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
