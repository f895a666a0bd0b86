/* Unit tests of the table in proto/compile_request: what each row says is what decoding, encoding, `watch` and the
 * cache's key do. */
#include "tests/unit/check.h"

#include <stdio.h>

#include "cache/key.h"
#include "proto/compile_request.h"
#include "proto/json.h"

#define EACH_ROW(row)                                                                                                  \
    for (const struct schema_field *row = compile_parameters; row < compile_parameters + compile_parameter_count; row++)

static bool is_one_of(unsigned mark, unsigned group) {
    return (mark & group) != 0 && (mark & group & (mark - 1)) == 0;
}

static void test_every_row_says_everything(void **state) {
    EACH_ROW(row) {
        assert_true(is_one_of(row->marks & COMPILE_EFFECTS, COMPILE_EFFECTS));
        assert_true(is_one_of(row->marks & COMPILE_SCOPES, COMPILE_SCOPES));
        assert_non_null(row->text);
        assert_true(strlen(row->text) > 1 && row->text[strlen(row->text) - 1] == '.');
        assert_true(row->type != SCHEMA_INT || row->min < row->max);
        assert_int_equal(row->type == SCHEMA_CHOICE, row->choices != NULL);
    }
}

/* Every byte of the structure but padding belongs to one row: a string or an array that no row names is found here. */
static void test_every_member_has_a_row(void **state) {
    static const size_t sizes[] = {
        [SCHEMA_STRING] = sizeof(char *), [SCHEMA_BOOL] = sizeof(bool),       [SCHEMA_INT] = sizeof(int),
        [SCHEMA_CHOICE] = sizeof(int),    [SCHEMA_STRINGS] = sizeof(cJSON *),
    };
    char covered[sizeof(struct compile_request)] = {0};
    EACH_ROW(row) {
        for (size_t i = 0; i < sizes[row->type]; i++)
            assert_int_equal(covered[row->offset + i]++, 0);
    }
    for (size_t i = 0, padding = 0; i < sizeof covered; i++) {
        padding = covered[i] ? 0 : padding + 1;
        assert_true(padding < sizeof(char *));
    }
}

/* Values of a row, as JSON texts: up to four that differ from each other and from the default. */
static size_t values_of(const struct schema_field *row, char values[4][32]) {
    size_t count = 0;
    switch (row->type) {
    case SCHEMA_STRING:
        strcpy(values[count++], "\"\"");
        strcpy(values[count++], "\"/other\"");
        break;
    case SCHEMA_BOOL:
        strcpy(values[count++], row->preset ? "false" : "true");
        break;
    case SCHEMA_INT:
        for (int number = row->min; number <= row->min + 4 && count < 4; number++)
            if (number != row->preset)
                sprintf(values[count++], "%d", number);
        break;
    case SCHEMA_CHOICE:
        for (const struct schema_choice *choice = row->choices; choice->name != NULL; choice++)
            if (choice->value != row->preset)
                sprintf(values[count++], "\"%s\"", choice->name);
        break;
    case SCHEMA_STRINGS:
        strcpy(values[count++], "[\"\"]");
        strcpy(values[count++], "[\"a\"]");
        break;
    }
    return count;
}

static cJSON *parse(const char *text) {
    const char *error;
    cJSON *tree = json_parse(text, strlen(text), &error);
    assert_non_null(tree);
    return tree;
}

/* The parameters of a request for /a.py that says one thing more. */
static cJSON *params_with(const char *name, const char *value) {
    cJSON *params = parse("{\"file\":\"/a.py\",\"cwd\":\"/\"}");
    if (name != NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(params, name);
        cJSON_AddItemToObject(params, name, parse(value));
    }
    return params;
}

static struct store_key key_of_params(const cJSON *params, const char *python) {
    struct compile_request request;
    struct store_key key;
    char *why = NULL;
    assert_int_equal(compile_request_decode(params, &request, &why), 0);
    key_of_question(&(struct key_question){.python = python, .magic = 1, .request = &request, .source = "x", .len = 1},
                    &key);
    return key;
}

static struct store_key key_with(const char *name, const char *value) {
    cJSON *params = params_with(name, value);
    struct store_key key = key_of_params(params, "3.13");
    cJSON_Delete(params);
    return key;
}

/* A request that differs in one parameter has another key if and only if the row says that its value has an effect. */
static void test_the_key_follows_the_table(void **state) {
    struct store_key base = key_with(NULL, NULL);
    EACH_ROW(row) {
        char values[4][32];
        bool differs = false;
        for (size_t i = 0, count = values_of(row, values); i < count; i++) {
            if (strcmp(row->name, "cwd") == 0 && values[i][1] == '"')
                continue; /* an empty cwd is refused */
            struct store_key key = key_with(row->name, values[i]);
            differs |= memcmp(&key, &base, sizeof key) != 0;
        }
        if (differs != ((row->marks & COMPILE_EFFECT_VALUE) != 0))
            fail_msg("the row of '%s' and the key differ", row->name);
    }
}

/* The rows whose value selects what the key takes: the interpreter, and the name where it matters. */
static void test_the_key_takes_what_is_selected(void **state) {
    struct store_key base = key_with(NULL, NULL), key;
    size_t count = 0;
    EACH_ROW(row)
    count += (row->marks & COMPILE_EFFECT_SELECTED) != 0;
    assert_int_equal(count, 3);
    cJSON *params = params_with(NULL, NULL);
    key = key_of_params(params, "3.11");
    assert_memory_not_equal(&key, &base, sizeof key);
    cJSON_Delete(params);
    key = key_with("file", "\"__main__.py\"");
    assert_memory_not_equal(&key, &base, sizeof key);
    struct store_key other = key_with("dfile", "\"__main__.py\"");
    assert_memory_equal(&key, &other, sizeof key);
    key = key_with("dfile", "\"\""); /* an empty dfile is none */
    assert_memory_equal(&key, &base, sizeof key);
}

static void test_levels_that_are_the_same(void **state) {
    struct store_key base = key_with(NULL, NULL), zero = key_with("optimize", "0"), two = key_with("optimize", "2"),
                     three = key_with("optimize", "3"), none = key_with("warnings", "[]");
    assert_memory_equal(&zero, &base, sizeof base);
    assert_memory_equal(&three, &two, sizeof base);
    assert_memory_not_equal(&two, &base, sizeof base);
    assert_memory_equal(&none, &base, sizeof base);
}

static void test_watch_follows_the_table(void **state) {
    EACH_ROW(row) {
        struct compile_request request;
        char values[4][32], *why = NULL;
        cJSON *params = cJSON_CreateObject();
        values_of(row, values);
        const char *value = row->type == SCHEMA_STRING ? "\"/other\"" : values[0];
        cJSON_AddItemToObject(params, row->name, parse(value));
        if (strcmp(row->name, "pycache_prefix") == 0)
            cJSON_AddStringToObject(params, "cwd", "/");
        int result = compile_request_decode_watch(params, &request, &why);
        assert_int_equal(result == 0, (row->marks & COMPILE_SCOPE_ANY) != 0);
        if (result < 0)
            assert_non_null(strstr(why, "means nothing to a watch"));
        free(why);
        cJSON_Delete(params);
    }
}

static void test_defaults_of_watch(void **state) {
    struct compile_request request;
    char *why = NULL;
    cJSON *params = parse("{\"priority\":null}");
    assert_int_equal(compile_request_decode_watch(params, &request, &why), 0);
    assert_int_equal(request.priority, PRIORITY_BACKGROUND);
    cJSON_Delete(params);
    params = parse("{\"pycache_prefix\":\"cache\"}");
    assert_true(compile_request_decode_watch(params, &request, &why) < 0);
    assert_string_equal(why, "'cwd' is needed where a path is relative");
    free(why);
    cJSON_Delete(params);
}

/* Every value travels: decoded, encoded and decoded again it is the same. A default is left out. */
static void test_round_trip_of_every_row(void **state) {
    EACH_ROW(row) {
        char values[4][32], *why = NULL;
        for (size_t i = 0, count = values_of(row, values); i < count; i++) {
            if (strcmp(row->name, "cwd") == 0 && values[i][1] == '"')
                continue;
            struct compile_request request;
            cJSON *params = params_with(row->name, values[i]);
            assert_int_equal(compile_request_decode(params, &request, &why), 0);
            cJSON *again = compile_request_encode(&request);
            assert_true(cJSON_Compare(params, again, true));
            cJSON_Delete(again);
            cJSON_Delete(params);
        }
    }
    struct compile_request defaults;
    compile_request_init(&defaults);
    cJSON *nothing = compile_request_encode(&defaults);
    assert_null(nothing->child);
    cJSON_Delete(nothing);
}

static void assert_refused(const char *name, double number) {
    struct compile_request request;
    char *why = NULL;
    cJSON *params = params_with(NULL, NULL);
    cJSON_AddNumberToObject(params, name, number);
    assert_true(compile_request_decode(params, &request, &why) < 0);
    assert_non_null(strstr(why, name));
    free(why);
    cJSON_Delete(params);
}

static void test_ranges(void **state) {
    EACH_ROW(row) {
        if (row->type != SCHEMA_INT)
            continue;
        assert_refused(row->name, (double)row->min - 1);
        assert_refused(row->name, (double)row->max + 1);
        assert_refused(row->name, row->min + 0.5);
        assert_refused(row->name, 1e300);
        assert_refused(row->name, -1e300);
    }
}

/* An array may have as many elements as its row says. */
static void test_most_elements(void **state) {
    unsigned bounded = 0;
    EACH_ROW(row) {
        if (row->type != SCHEMA_STRINGS || row->max == 0)
            continue;
        for (int count = row->max; count <= row->max + 1; count++) {
            struct compile_request request;
            char *why = NULL;
            cJSON *params = params_with(row->name, "[]");
            for (int i = 0; i < count; i++)
                cJSON_AddItemToArray(cJSON_GetObjectItem(params, row->name), cJSON_CreateString("x"));
            assert_int_equal(compile_request_decode(params, &request, &why) == 0, count == row->max);
            assert_int_equal(why == NULL, count == row->max);
            free(why);
            cJSON_Delete(params);
        }
        bounded++;
    }
    assert_true(bounded > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_says_everything),
        cmocka_unit_test(test_every_member_has_a_row),
        cmocka_unit_test(test_the_key_follows_the_table),
        cmocka_unit_test(test_the_key_takes_what_is_selected),
        cmocka_unit_test(test_levels_that_are_the_same),
        cmocka_unit_test(test_watch_follows_the_table),
        cmocka_unit_test(test_defaults_of_watch),
        cmocka_unit_test(test_round_trip_of_every_row),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_most_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
