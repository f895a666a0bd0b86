/* Unit tests of base/io: whole writes, limits of reads, and programs that end, fail, hang and are interrupted. */
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/io.h"

static const char *const shell[] = {"sh", "-c", NULL, NULL};

/* Runs a shell's script, and reads its standard output. */
static int run(const char *script, struct buffer *said, int64_t wait_ms, int wake_fd) {
    const char *argv[4];
    memcpy(argv, shell, sizeof shell);
    argv[2] = script;
    *said = (struct buffer){0};
    return io_run(&(struct io_program){.path = "sh",
                                       .argv = argv,
                                       .search = true,
                                       .read_fd = STDOUT_FILENO,
                                       .limit = 1000,
                                       .deadline = clock_ms() + wait_ms,
                                       .wake_fd = wake_fd,
                                       .apart = true},
                  said);
}

static void test_run(void **state) {
    struct buffer said;
    assert_int_equal(run("printf 'a b'; test ! -t 0 && cat", &said, 60000, -1), 0);
    assert_string_equal(buffer_string(&said), "a b");
    buffer_deinit(&said);
    assert_int_equal(WEXITSTATUS(run("exit 3", &said, 60000, -1)), 3);
    assert_int_equal(said.len, 0);
    assert_int_equal(WTERMSIG(run("kill -INT $$", &said, 60000, -1)), SIGINT);
    /* What it says beyond the limit is read all the same. */
    assert_int_equal(run("head -c 300000 /dev/zero", &said, 60000, -1), 0);
    assert_int_equal(said.len, 1000);
    buffer_deinit(&said);
}

static void test_run_what_is_not_there(void **state) {
    struct buffer said = {0};
    struct io_program program = {"/no/such/program", shell, false, STDOUT_FILENO, 10, clock_ms() + 60000, -1, false};
    assert_int_equal(io_run(&program, &said), -ENOENT);
}

/* A program whose own child lives on, with the pipe, has ended all the same. */
static void test_run_leaves_a_child(void **state) {
    struct buffer said;
    assert_int_equal(run("sleep 100 & echo $!", &said, 60000, -1), 0);
    pid_t left = (pid_t)strtol(buffer_string(&said), NULL, 10);
    assert_true(left > 1);
    assert_int_equal(kill(left, SIGKILL), 0);
    buffer_deinit(&said);
}

static void test_run_hangs(void **state) {
    struct buffer said;
    assert_int_equal(run("echo $$; sleep 100", &said, 50, -1), -ETIMEDOUT);
    buffer_deinit(&said);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "", 1), 1);
    assert_int_equal(run("sleep 100", &said, 60000, ends[0]), -EINTR);
    buffer_deinit(&said);
    close(ends[0]);
    close(ends[1]);
}

static void on_alarm(int number) {
}

/* A signal in the middle changes nothing. */
static void test_run_interrupted(void **state) {
    struct sigaction action = {.sa_handler = on_alarm}, old;
    sigaction(SIGALRM, &action, &old);
    char script[128];
    snprintf(script, sizeof script, "kill -ALRM %ld; printf x; kill -ALRM %ld; printf y", (long)getpid(),
             (long)getpid());
    struct buffer said;
    assert_int_equal(run(script, &said, 60000, -1), 0);
    assert_string_equal(buffer_string(&said), "xy");
    buffer_deinit(&said);
    sigaction(SIGALRM, &old, NULL);
}

/* The program holds its standard output once, and not the other end. */
static void test_run_closes(void **state) {
    struct buffer said;
    assert_int_equal(run("readlink /proc/$$/fd/* | grep -cF \"$(readlink /proc/$$/fd/1)\"", &said, 60000, -1), 0);
    assert_string_equal(buffer_string(&said), "1\n");
    buffer_deinit(&said);
}

static void *drain(void *context) {
    char data[4096];
    size_t total = 0;
    for (ssize_t len; (len = read(*(int *)context, data, sizeof data)) > 0;)
        total += (size_t)len;
    return (void *)total;
}

/* A non-blocking descriptor is waited for. */
static void test_write_all(void **state) {
    int ends[2];
    pthread_t reader;
    void *total;
    size_t len = 1 << 20;
    char *data = xcalloc(1, len);
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    fcntl(ends[0], F_SETFL, 0);
    assert_int_equal(pthread_create(&reader, NULL, drain, &ends[0]), 0);
    assert_int_equal(io_write_all(ends[1], data, len), 0);
    close(ends[1]);
    pthread_join(reader, &total);
    assert_int_equal((size_t)total, len);
    close(ends[0]);
    free(data);
    assert_int_equal(io_write_all(ends[1], "x", 1), -EBADF);
}

/* A peer that is gone is an error, and no signal. */
static void test_send_all(void **state) {
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(io_send_all(ends[0], "abc", 3), 0);
    close(ends[1]);
    assert_int_equal(io_send_all(ends[0], "abc", 3), -EPIPE);
    close(ends[0]);
}

static void test_read(void **state) {
    char path[] = "/tmp/pycompiled-unit-XXXXXX", text[8];
    int fd = mkstemp(path);
    assert_int_equal(io_write_all(fd, "0123456789", 10), 0);
    close(fd);
    struct buffer out = {0};
    assert_int_equal(io_read_file(AT_FDCWD, path, 0, 10, &out), 0);
    assert_int_equal(io_read_file(AT_FDCWD, path, O_NOFOLLOW, 9, &out), -EFBIG);
    assert_int_equal(out.len, 19);
    assert_memory_equal(out.data, "0123456789012345678", 19);
    buffer_deinit(&out);
    assert_int_equal(io_read_text(AT_FDCWD, path, 0, text, sizeof text), 7);
    assert_string_equal(text, "0123456");
    unlink(path);
    assert_int_equal(io_read_file(AT_FDCWD, path, 0, 10, &out), -ENOENT);
    assert_int_equal(io_read_text(AT_FDCWD, path, 0, text, sizeof text), -ENOENT);
    assert_string_equal(text, "");
}

/* Whole or not at all: where the new bytes cannot be put in place, the old ones stay, and nothing is left beside them.
 */
static void test_replace_file(void **state) {
    char folder[] = "/tmp/pycompiled-io-XXXXXX", text[16];
    assert_non_null(mkdtemp(folder));
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(io_replace_file(dir, "file", "old", 3), 0);
    assert_int_equal(io_replace_file(dir, "file", "newer", 5), 0);
    assert_int_equal(io_read_text(dir, "file", 0, text, sizeof text), 5);
    assert_string_equal(text, "newer");
    assert_int_equal(mkdirat(dir, "taken", 0700), 0);
    assert_int_equal(io_replace_file(dir, "taken", "x", 1), -EISDIR);
    assert_int_equal(io_replace_file(dir, "none/file", "x", 1), -ENOENT);
    assert_int_equal(unlinkat(dir, "file", 0), 0);
    assert_int_equal(unlinkat(dir, "taken", AT_REMOVEDIR), 0);
    close(dir);
    assert_int_equal(rmdir(folder), 0); /* it is empty */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_run_what_is_not_there),
        cmocka_unit_test(test_run_leaves_a_child),
        cmocka_unit_test(test_run_hangs),
        cmocka_unit_test(test_run_interrupted),
        cmocka_unit_test(test_run_closes),
        cmocka_unit_test(test_write_all),
        cmocka_unit_test(test_send_all),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_replace_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
