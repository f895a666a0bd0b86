/* Unit tests of base/place: identities of folders. */
#include "tests/unit/check.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/place.h"

static void expect_place(const char *file, bool itself, const char *folder) {
    struct stat st;
    assert_int_equal(stat(folder, &st), 0);
    char *wanted = xasprintf("%llu:%llu:%s", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino, folder);
    char *place = place_make(AT_FDCWD, file, itself);
    assert_non_null(place);
    assert_string_equal(place, wanted);
    assert_true(place_is_here(AT_FDCWD, place));
    assert_string_equal(place_path(place), folder);
    free(place);
    free(wanted);
}

static void test_folders(void **state) {
    expect_place("a.py", false, ".");
    expect_place("/a.py", false, "/");
    expect_place("/tmp/a.py", false, "/tmp");
    expect_place("../a:1.py", false, "..");
    expect_place("/tmp", true, "/tmp");
    assert_null(place_make(AT_FDCWD, "/nowhere/a.py", false));
    assert_null(place_make(AT_FDCWD, "/dev/null", true));
    assert_null(place_make(AT_FDCWD, "/dev/null/a.py", false));
}

/* The path is looked up from the folder that is given. */
static void test_relative(void **state) {
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    char *place = place_make(root, "tmp/a.py", false);
    assert_true(place_is_here(root, place));
    int tmp = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_false(place_is_here(tmp, place));
    free(place);
    close(root);
    close(tmp);
}

static void test_elsewhere(void **state) {
    struct stat st;
    assert_int_equal(stat("/tmp", &st), 0);
    char *other = xasprintf("%llu:%llu:/tmp", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino + 1);
    assert_false(place_is_here(AT_FDCWD, other));
    free(other);
    static const char *const bad[] = {
        "", ":", "1:", "1:2", "1:2:", "/tmp", "a:b:/tmp", "1:2:/nowhere", "99999999999999999999999:1:/"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(place_is_here(AT_FDCWD, bad[i]));
    assert_string_equal(place_path("no identity"), "no identity");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_relative),
        cmocka_unit_test(test_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
