/* Unit tests of client/compileall/sys_path with interpreters that are scripts: one that fails, is of another version,
 * hangs, is interrupted. */
#include "tests/unit/check.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/compileall/sys_path.h"

static char folder[] = "/tmp/pycompiled-unit-XXXXXX";

/* A script as an interpreter; its path is valid until the next. */
static char *interpreter(const char *name, const char *script) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    fprintf(file, "#!/bin/sh\n%s\n", script);
    fclose(file);
    chmod(path, 0700);
    return path;
}

static int ask(char *built, int64_t wait_ms, int wake_fd, struct buffer *folders, char **why) {
    struct python_info info = {.python = (char[]){"9.9"}, .xy = (char[]){"9.9"}, .interpreter = built};
    struct sys_path_question question = {&info, clock_ms() + wait_ms, wake_fd};
    *folders = (struct buffer){0};
    *why = NULL;
    return sys_path_read(&question, folders, why);
}

static void test_answer(void **state) {
    struct buffer folders;
    char *why;
    assert_int_equal(ask(interpreter("fine", "printf '9.9\\0/a\\0/b\\0'"), 60000, -1, &folders, &why), 0);
    assert_int_equal(folders.len, 6);
    assert_memory_equal(folders.data, "/a\0/b", 6);
    buffer_deinit(&folders);
}

/* 16 MiB are read at most: one that says more is ended, and passed over. */
static void test_says_too_much(void **state) {
    static const struct {
        const char *script;
        bool fine;
    } cases[] = {
        {"printf '9.9\\0/a'; head -c 16000000 /dev/zero | tr '\\0' a; printf '\\0'", true},
        {"printf '9.9\\0/a'; head -c 18000000 /dev/zero | tr '\\0' a; printf '\\0'", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer folders;
        char *why;
        int status = ask(interpreter("talks", cases[i].script), 60000, -1, &folders, &why);
        assert_int_equal(status == 0 && folders.len > 16000000, cases[i].fine);
        buffer_deinit(&folders);
        free(why);
    }
}

/* One that fails or is of another version is passed over for the next: python9.9, which nobody has. */
static void test_none(void **state) {
    static const char *const scripts[] = {"exit 1", "printf '9.8\\0/a\\0'", "printf '9.9'", "kill -9 $$"};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct buffer folders;
        char *why;
        assert_int_equal(ask(interpreter("other", scripts[i]), 60000, -1, &folders, &why), -ENOENT);
        assert_string_equal(why, "no interpreter of Python 9.9 is found, whose sys.path is to be compiled");
        assert_int_equal(folders.len, 0);
        free(why);
    }
}

static void test_hangs(void **state) {
    struct buffer folders;
    char *why;
    assert_int_equal(ask(interpreter("hung", "sleep 1000"), 50, -1, &folders, &why), -ETIMEDOUT);
    assert_non_null(strstr(why, "/hung does not answer"));
    free(why);
}

static void test_interrupted(void **state) {
    struct buffer folders;
    char *why;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "", 1), 1);
    assert_int_equal(ask(interpreter("hung", "sleep 1000"), 60000, ends[0], &folders, &why), -EINTR);
    assert_null(why);
    close(ends[0]);
    close(ends[1]);
}

static int make_folder(void **state) {
    unsetenv("VIRTUAL_ENV");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state) {
    static const char *const names[] = {"fine", "talks", "other", "hung"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer), cmocka_unit_test(test_says_too_much), cmocka_unit_test(test_none),
        cmocka_unit_test(test_hangs),  cmocka_unit_test(test_interrupted),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
