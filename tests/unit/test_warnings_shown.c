/* Warnings that the action "once" shows, over several files. */
#include "tests/unit/check.h"

#include "client/warnings_shown.h"

#define ONCE(text) "{\"category\":\"W\",\"message\":\"" text "\",\"text\":\"" text "\\n\",\"once\":true}"
#define EACH(text) "{\"category\":\"W\",\"message\":\"" text "\",\"text\":\"" text "\\n\"}"

/* Shows the warnings of one file; checks what is shown of them. */
static void show(struct warnings_shown *shown, const char *warnings, const char *expected) {
    struct buffer err = {0};
    cJSON *tree = cJSON_Parse(warnings);
    assert_non_null(tree);
    warnings_shown_append(shown, &err, tree, false);
    assert_string_equal(buffer_string(&err), expected);
    buffer_deinit(&err);
    cJSON_Delete(tree);
}

static void test_a_later_file_does_not_show_it_again(void **state) {
    struct warnings_shown shown = {0};
    show(&shown, "[" ONCE("a") "," EACH("c") "]", "a\nc\n");
    show(&shown, "[" ONCE("b") "," ONCE("a") "," EACH("c") "]", "b\nc\n");
    show(&shown, "[" ONCE("b") "]", "");
    warnings_shown_deinit(&shown);
}

static void test_one_file_shows_what_its_interpreter_has_shown(void **state) {
    struct warnings_shown shown = {0};
    show(&shown, "[" ONCE("a") "," ONCE("b") "," EACH("a") "," ONCE("b") "]", "a\nb\na\nb\n");
    show(&shown, "[" ONCE("b") "," ONCE("c") "," ONCE("c") "]", "c\nc\n");
    warnings_shown_deinit(&shown);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_later_file_does_not_show_it_again),
        cmocka_unit_test(test_one_file_shows_what_its_interpreter_has_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
