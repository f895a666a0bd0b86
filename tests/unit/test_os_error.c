/* Unit test of base/os_error: the class of every errno value, as python3 itself has it. */
#include "tests/unit/check.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/os_error.h"

#define ERRORS 200

static void test_as_python_has_them(void **state) {
    static const char *const argv[] = {"python3", "-c",
                                       "for error in range(1, 200): print(type(OSError(error, '')).__name__)", NULL};
    struct buffer said = {0};
    int status = io_run(&(struct io_program){.path = "python3",
                                             .argv = argv,
                                             .search = true,
                                             .read_fd = STDOUT_FILENO,
                                             .limit = 1 << 16,
                                             .deadline = clock_ms() + 60000,
                                             .wake_fd = -1},
                        &said);
    if (status == -ENOENT)
        skip();
    assert_int_equal(status, 0);
    char *rest = buffer_string(&said);
    for (int error = 1; error < ERRORS; error++)
        assert_string_equal(os_error_class(error), strsep(&rest, "\n"));
    buffer_deinit(&said);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_as_python_has_them)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
