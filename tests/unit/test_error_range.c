/* Unit tests of proto/error_range: the unit in which an error's columns count. */
#include "tests/unit/check.h"

#include "proto/error_range.h"
#include "proto/json.h"

#define ZEROS "leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers"

static enum position_encoding unit_of(const char *msg, const char *text, double offset) {
    cJSON *value = cJSON_CreateObject();
    cJSON_AddStringToObject(value, "msg", msg);
    cJSON_AddItemToObject(value, "text", text != NULL ? cJSON_CreateString(text) : cJSON_CreateNull());
    cJSON_AddNumberToObject(value, "offset", offset);
    enum position_encoding unit = error_range_unit(value);
    cJSON_Delete(value);
    return unit;
}

static void test_stages(void **state) {
    assert_int_equal(unit_of("cannot assign to None", "\"\u00e9\"; None = 1", 6), POSITION_UTF32);
    assert_int_equal(unit_of("'return' outside function", NULL, 7), POSITION_UTF8);
}

/* The tokenizer of older releases counts bytes, that of newer ones characters. */
static void test_leading_zeros(void **state) {
    static const struct {
        const char *text;
        double characters, bytes;
    } lines[] = {
        {"s = \"\u00e9\u20ac\U0001f40d\"; 0777", 12, 18},
        {"s = \"\u00e9\u20ac\U0001f40d\"; 0_0777 + 1", 12, 18},
        {"(\"\u00e9\",0007)", 6, 7},
        {"\"\u00e9\"<0777", 5, 6},
        {"\"0\u00e9\", 0, 1.0, 0777", 15, 16},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(unit_of(ZEROS, lines[i].text, lines[i].characters), POSITION_UTF32);
        assert_int_equal(unit_of(ZEROS, lines[i].text, lines[i].bytes), POSITION_UTF8);
    }
    assert_int_equal(unit_of(ZEROS, "0777", 1), POSITION_UTF32);
    assert_int_equal(unit_of(ZEROS, "", 1), POSITION_UTF8); /* any unit does: there is no such column */
    assert_int_equal(unit_of(ZEROS, "0", 1e300), POSITION_UTF8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_leading_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
