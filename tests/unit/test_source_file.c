/* Unit tests of host/source_file: a source that changes while it is read (--wrap=read). */
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/source_file.h"

static char path[] = "/tmp/pycompiled-test-XXXXXX";
static time_t new_time = 1000;
static unsigned readings, changes; /* so many readings, from the first on, meet a change */

/* Each reading begins with a read of the text. Another process gives the file another time meanwhile. */
ssize_t __real_read(int fd, void *data, size_t len);
ssize_t __wrap_read(int fd, void *data, size_t len);
ssize_t __wrap_read(int fd, void *data, size_t len) {
    ssize_t got = __real_read(fd, data, len);
    if (got > 0 && readings++ < changes) {
        const struct timespec times[2] = {{.tv_sec = new_time}, {.tv_sec = new_time}};
        new_time++;
        assert_int_equal(futimens(fd, times), 0);
    }
    return got;
}

static int read_source(unsigned changes_wanted) {
    struct source_file file;
    readings = 0;
    changes = changes_wanted;
    int status = source_file_read(&file, AT_FDCWD, path, SIZE_MAX - 1);
    if (status == 0) {
        assert_int_equal(file.data.len, 6);
        assert_memory_equal(file.data.data, "x = 1\n", 6);
        struct stat now;
        assert_int_equal(stat(path, &now), 0);
        assert_int_equal(file.stat.st_mtim.tv_sec, now.st_mtim.tv_sec);
    }
    source_file_deinit(&file);
    return status;
}

static void test_a_source_that_changes(void **state) {
    assert_int_equal(read_source(0), 0);
    assert_int_equal(readings, 1);
    assert_int_equal(read_source(1), 0);
    assert_int_equal(readings, 2);
    assert_int_equal(read_source(19), 0);
    assert_int_equal(readings, 20);
}

static void test_a_source_that_changes_without_pause(void **state) {
    assert_int_equal(read_source(1000), -EBUSY);
    assert_int_equal(readings, 20);
}

static int group_setup(void **state) {
    int fd = mkstemp(path);
    ssize_t done = write(fd, "x = 1\n", 6);
    close(fd);
    return done == 6 ? 0 : -1;
}

static int group_teardown(void **state) {
    return unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_source_that_changes),
        cmocka_unit_test(test_a_source_that_changes_without_pause),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
