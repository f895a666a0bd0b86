/* Unit tests of client/progress: the text of the line, its speed and its estimate. */
#include "tests/unit/check.h"

#include "base/buffer.h"
#include "client/progress.h"

static struct buffer line;

/* The text of the line at that time after the beginning. */
static const char *text(struct progress *progress, int64_t ms, size_t width, const char *current) {
    line.len = 0;
    progress_append(progress, progress->begin + ms, width, current, &line);
    return buffer_string(&line);
}

static int end(void **state) {
    buffer_deinit(&line);
    return 0;
}

static void test_before_all_are_found(void **state) {
    struct progress progress = {.begin = 5000, .found = 300, .done = 50};
    assert_string_equal(text(&progress, 500, 80, "pkg/mod.py"), "[50/300+] 100 files/s pkg/mod.py");
    assert_string_equal(text(&progress, 1000, 80, NULL), "[50/300+] 50 files/s");
}

static void test_time_left(void **state) {
    struct progress progress = {.begin = 5000, .found = 300, .done = 50, .all_found = true};
    assert_string_equal(text(&progress, 500, 80, "m.py"), "[50/300] 100 files/s, 3 s left m.py");
    progress = (struct progress){.found = 12100, .done = 100, .all_found = true};
    assert_string_equal(text(&progress, 1000, 80, NULL), "[100/12100] 100 files/s, 2:00 left");
    progress = (struct progress){.found = 500000, .done = 50, .all_found = true};
    assert_string_equal(text(&progress, 1000, 80, NULL), "[50/500000] 50 files/s, 2:46:39 left");
    progress = (struct progress){.found = 9, .done = 0, .all_found = true};
    assert_string_equal(text(&progress, 1000, 80, NULL), "[0/9] 0 files/s");
    progress.done = 8;
    assert_string_equal(text(&progress, 2000, 80, NULL), "[8/9] 4 files/s, 0 s left");
    progress.done = 9;
    assert_string_equal(text(&progress, 3000, 80, NULL), "[9/9] 3 files/s");
}

/* The speed is that of the last drawings: the estimate does not trust the thousands of files that were up to date. */
static void test_speed_is_recent(void **state) {
    struct progress progress = {.found = 20000, .done = 10000, .all_found = true};
    text(&progress, 500, 80, NULL);
    for (int i = 1; i <= 40; i++) {
        progress.done++;
        text(&progress, 500 + i * 100, 80, NULL);
    }
    progress.done++;
    assert_string_equal(text(&progress, 4600, 80, NULL), "[10041/20000] 10 files/s, 16:36 left");
}

static void test_width(void **state) {
    struct progress progress = {.begin = 0, .found = 30, .done = 5};
    assert_string_equal(text(&progress, 1000, 30, "a/long/path/of/a/module.py"), "[5/30+] 5 files/s ...module.py");
    assert_string_equal(text(&progress, 1000, 10, "module.py"), "[5/30+] 5 ");
    assert_string_equal(text(&progress, 1000, 80, "a\nb\033[31mc"), "[5/30+] 5 files/s a?b?[31mc");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before_all_are_found),
        cmocka_unit_test(test_time_left),
        cmocka_unit_test(test_speed_is_recent),
        cmocka_unit_test(test_width),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
