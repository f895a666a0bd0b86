/* Unit tests of base/paths: where the socket is. */
#include "tests/unit/check.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/paths.h"

static void expect_socket(const char *wanted) {
    char *path = paths_socket();
    assert_string_equal(path, wanted);
    free(path);
}

/* A runtime folder that is not there, is no folder, or is relative counts as none. */
static void test_socket(void **state) {
    (void)state;
    char folder[] = "/tmp/pycompiled-unit-XXXXXX", other[64], in_folder[64];
    assert_non_null(mkdtemp(folder));
    snprintf(other, sizeof other, "/tmp/pycompiled-%lu/socket", (unsigned long)geteuid());
    snprintf(in_folder, sizeof in_folder, "%s/pycompiled/socket", folder);
    unsetenv("PYCOMPILED_SOCKET");
    setenv("XDG_RUNTIME_DIR", folder, 1);
    expect_socket(in_folder);
    rmdir(folder);
    expect_socket(other);
    setenv("XDG_RUNTIME_DIR", "/dev/null", 1);
    expect_socket(other);
    setenv("XDG_RUNTIME_DIR", "tmp", 1);
    expect_socket(other);
    unsetenv("XDG_RUNTIME_DIR");
    expect_socket(other);
    setenv("PYCOMPILED_SOCKET", "/a/b", 1);
    expect_socket("/a/b");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_socket)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
