/* Unit tests of daemon/process/notifier: what systemd is told when. */
#include "tests/unit/check.h"
#include "tests/unit/fake_clock.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buffer.h"
#include "daemon/process/notifier.h"

static bool progress;

static bool progresses(struct notifier *notifier) {
    return progress;
}

static void expect(int fd, const char *wanted) {
    char word[64];
    ssize_t n = recv(fd, word, sizeof word - 1, MSG_DONTWAIT);
    word[n > 0 ? n : 0] = '\0';
    assert_string_equal(word, wanted);
}

static void tick(uv_loop_t *loop) {
    fake_clock_advance_ms(10);
    uv_run(loop, UV_RUN_NOWAIT);
    uv_run(loop, UV_RUN_NOWAIT);
}

static void test_the_watchdog_is_told_of_progress_alone(void **state) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct notifier notifier;
    uv_loop_t loop;
    char name[64];
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int len = snprintf(name, sizeof name, "@pycompiled-unit-%ld", (long)getpid());
    memcpy(address.sun_path + 1, name + 1, (size_t)len - 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    setenv("WATCHDOG_USEC", "20000", 1);
    unsetenv("WATCHDOG_PID");
    uv_replace_allocator(xmalloc, xrealloc, xcalloc, free); /* as the daemon does */
    assert_int_equal(uv_loop_init(&loop), 0);
    notifier_init(&notifier, &loop, progresses);
    notifier_ready(&notifier);
    expect(fd, "READY=1");
    progress = true;
    tick(&loop);
    expect(fd, "WATCHDOG=1");
    progress = false;
    tick(&loop);
    expect(fd, "");
    progress = true;
    tick(&loop);
    expect(fd, "WATCHDOG=1");
    notifier_status(&notifier, "4 workers");
    expect(fd, "STATUS=4 workers");
    notifier_status(&notifier, "4 workers");
    expect(fd, "");
    notifier_stopping(&notifier);
    expect(fd, "STOPPING=1");
    notifier_close(&notifier);
    tick(&loop);
    assert_int_equal(uv_loop_close(&loop), 0);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_watchdog_is_told_of_progress_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
