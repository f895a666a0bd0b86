/* Unit test of client/compileall/item: a link of --hardlink-dupes that fails, and results of a run that is interrupted.
 */
#include "tests/unit/check.h"

#include "client/compileall/item.h"

static const struct compileall_options options = {.optimize = {0, 1}, .optimize_count = 2, .hardlink_dupes = true};

/* Both levels are compiled; the .pyc files are not there, so the second cannot be linked to the first. */
static struct compileall_item *compile_both(const struct compileall_output *output) {
    static const char first[] = "{\"cfile\":\"/nowhere/a.pyc\",\"outcome\":\"compiled\",\"warnings\":[]}";
    static const char second[] = "{\"cfile\":\"/nowhere/b.pyc\",\"outcome\":\"compiled\",\"warnings\":"
                                 "[{\"category\":\"SyntaxWarning\",\"message\":\"m\",\"lineno\":1}]}";
    struct compileall_item *item = compileall_item_new(xstrdup("a.py"), NULL);
    const struct batch_answer one = {.result = {first, sizeof first - 1}};
    const struct batch_answer two = {.result = {second, sizeof second - 1}};
    assert_true(compileall_item_answered(item, output, &one));
    assert_false(compileall_item_answered(item, output, &two));
    assert_int_equal(item->outcome, OUTCOME_FAILED);
    assert_int_equal(item->status, EXIT_CODE_FILES);
    return item;
}

static void test_text(void **state) {
    struct results results = {0};
    const struct compileall_output output = {&options, &results, 1};
    struct compileall_item *item = compile_both(&output);
    assert_string_equal(buffer_string(&item->out), "*** FileNotFoundError: [Errno 2] No such file or directory: "
                                                   "'/nowhere/a.pyc' -> '/nowhere/b.pyc'\n");
    assert_true(item->warnings.len > 0);
    compileall_item_free(item);
}

static void test_results(void **state) {
    for (enum results_kind kind = RESULTS_JSON; kind <= RESULTS_JUNIT; kind++) {
        struct results results;
        struct summary summary = {0};
        results_init(&results, kind, "prog");
        const struct compileall_output output = {&options, &results, 1};
        struct compileall_item *item = compile_both(&output);
        results_flush(&results, &item->out);
        results_end(&results, &summary, &item->out);
        const char *text = buffer_string(&item->out);
        assert_null(strstr(text, "***"));
        assert_non_null(strstr(text, "No such file or directory"));
        assert_int_equal(summary.warnings, kind == RESULTS_LINES ? 0 : 1);
        bool is_whole_json = kind == RESULTS_GITLAB || kind == RESULTS_SARIF;
        const char *why;
        cJSON *tree = is_whole_json ? json_parse(text, item->out.len, &why) : NULL;
        assert_int_equal(tree != NULL, is_whole_json);
        cJSON_Delete(tree);
        compileall_item_free(item);
        results_deinit(&results);
    }
}

/* What is no element is not eaten in place of the first comma. */
static void test_beginning(void **state) {
    struct results results;
    struct buffer out = {0};
    results_init(&results, RESULTS_GITLAB, "prog");
    buffer_append_string(&out, "text");
    results_flush(&results, &out);
    assert_string_equal(buffer_string(&out), "[text");
    buffer_deinit(&out);
    results_deinit(&results);
}

static void test_interrupted_run(void **state) {
    static const enum results_kind kinds[] = {RESULTS_JSON, RESULTS_GITHUB, RESULTS_SARIF, RESULTS_JUNIT};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct results results;
        struct summary summary = {.interrupted = true};
        struct buffer out = {0};
        results_init(&results, kinds[i], "prog");
        results_end(&results, &summary, &out);
        assert_non_null(strstr(buffer_string(&out), "interrupted"));
        buffer_deinit(&out);
        results_deinit(&results);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_beginning),
        cmocka_unit_test(test_interrupted_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
