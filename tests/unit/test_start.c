/* Unit tests of daemon/pool/start: the time between attempts to start a host, and when jobs are refused. */
#include "tests/unit/fake_clock.h"
#include "tests/unit/fake_hosts.h"

#include <errno.h>
#include <signal.h>

static struct fake_hosts fakes;
#define HOST(i) (&fakes.hosts[i])

static const char compiled[] = "\"result\":{\"outcome\":\"compiled\"}";

static struct fake_client *begin(void) {
    fake_hosts_init(&fakes, "3.12", 1);
    return fake_client_new(&fakes.peers);
}

static void wait_ms(uint64_t ms) {
    fake_clock_advance_ms(ms);
    fake_hosts_turn(&fakes);
}

static void test_a_shortage_is_waited_for_with_doubling_delays(void **state) {
    static const unsigned delays_ms[] = {50, 100, 200, 400, 800, 1600};
    struct fake_client *client = begin();
    fakes.start_error = -EAGAIN;
    fake_hosts_submit(&fakes, client, 1, "a");
    assert_int_equal(fakes.starts, 1);
    for (unsigned i = 0; i < sizeof delays_ms / sizeof *delays_ms; i++) {
        wait_ms(delays_ms[i] - 1);
        assert_int_equal(fakes.starts, i + 1);
        assert_null(fake_client_receive(client));
        wait_ms(1);
        assert_int_equal(fakes.starts, i + 2);
    }
    fake_client_expect(client, 1, "\"retryable\":true");
    fake_hosts_deinit(&fakes);
}

static void test_a_start_that_succeeds_in_the_end_serves_what_waits(void **state) {
    struct fake_client *client = begin();
    fakes.start_error = -EMFILE;
    fake_hosts_submit(&fakes, client, 1, "a");
    wait_ms(50);
    fakes.start_error = 0;
    wait_ms(100);
    fake_host_answer(&fakes, HOST(0), 0, fake_host_expect(HOST(0), 0, "a").id, compiled);
    fake_client_expect(client, 1, "compiled");
    assert_int_equal(fakes.pool->starter.failed, 0);
    fake_hosts_deinit(&fakes);
}

static void test_a_missing_program_is_told_at_once(void **state) {
    struct fake_client *client = begin();
    fakes.start_error = -ENOENT;
    fake_hosts_submit(&fakes, client, 1, "a");
    fake_client_expect(client, 1, "cannot start /fake/pycompile-host: no such file or directory");
    fake_hosts_submit(&fakes, client, 2, "a"); /* refused without another attempt */
    fake_client_expect(client, 2, "\"retryable\":false");
    assert_int_equal(fakes.starts, 1);
    wait_ms(50);
    assert_int_equal(fakes.starts, 1); /* no request asks for one */
    fakes.start_error = 0;
    fake_hosts_submit(&fakes, client, 3, "a");
    fake_host_expect(HOST(0), 0, "a");
    fake_hosts_deinit(&fakes);
}

static void test_a_host_that_is_killed_while_it_starts_is_tried_again(void **state) {
    struct fake_client *client = begin();
    fakes.warms_by_itself = false;
    fake_hosts_submit(&fakes, client, 1, "a");
    fake_host_die(&fakes, HOST(0), 0, SIGKILL);
    assert_null(fake_client_receive(client));
    fakes.warms_by_itself = true;
    wait_ms(50);
    fake_host_expect(HOST(1), 0, "a");
    fake_hosts_deinit(&fakes);
}

static void test_a_missing_library_is_told_at_once(void **state) {
    struct fake_client *client = begin();
    fakes.warms_by_itself = false;
    fake_hosts_submit(&fakes, client, 1, "a");
    fake_host_die(&fakes, HOST(0), 127, 0);
    fake_client_expect(client, 1, "exited with status 127 while it started (a library that it needs");
    fake_hosts_deinit(&fakes);
}

static void test_a_host_says_what_it_lacks(void **state) {
    struct fake_client *client = begin();
    fakes.warms_by_itself = false;
    fake_hosts_submit(&fakes, client, 1, "a");
    fake_host_report(HOST(0), "failed", "{\"reason\":\"no standard library\"}");
    fake_hosts_turn(&fakes);
    fake_host_die(&fakes, HOST(0), 1, 0);
    fake_client_expect(client, 1, "no host for Python 3.12: no standard library");
    fake_hosts_deinit(&fakes);
}

static void test_an_interpreter_that_does_not_come_up_in_time(void **state) {
    struct fake_client *client = begin();
    fakes.warms_by_itself = false;
    fake_hosts_submit(&fakes, client, 1, "a");
    wait_ms(29999);
    assert_false(HOST(0)->gone);
    wait_ms(1);
    assert_true(HOST(0)->gone);
    fake_client_expect(client, 1, "an interpreter has not come up in 30 seconds");
    fake_hosts_deinit(&fakes);
}

static void test_where_one_host_works_failures_of_others_refuse_nothing(void **state) {
    struct fake_client *client = begin();
    fake_hosts_submit(&fakes, client, 1, "a");
    fakes.start_error = -ENOENT;
    unsigned id = fake_host_expect(HOST(0), 0, "a").id;
    fake_hosts_submit(&fakes, client, 2, "b");
    struct job *job = fake_hosts_new_job(&fakes, client, 3, "c", JOB_SEARCH);
    job->wants = HOST_PRISTINE;
    pool_submit(fakes.pool, job);
    fake_hosts_turn(&fakes);
    fake_client_expect(client, 3, "\"retryable\":false"); /* needs a host that cannot be had */
    fake_host_answer(&fakes, HOST(0), 0, id, compiled);
    fake_client_expect(client, 1, "compiled");
    fake_host_expect(HOST(0), 0, "b");
    fake_hosts_deinit(&fakes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_shortage_is_waited_for_with_doubling_delays),
        cmocka_unit_test(test_a_start_that_succeeds_in_the_end_serves_what_waits),
        cmocka_unit_test(test_a_missing_program_is_told_at_once),
        cmocka_unit_test(test_a_host_that_is_killed_while_it_starts_is_tried_again),
        cmocka_unit_test(test_a_missing_library_is_told_at_once),
        cmocka_unit_test(test_a_host_says_what_it_lacks),
        cmocka_unit_test(test_an_interpreter_that_does_not_come_up_in_time),
        cmocka_unit_test(test_where_one_host_works_failures_of_others_refuse_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
