/* Unit tests of daemon/pool/recovery: what becomes of the jobs of a host that dies, that is shot, that is too slow. The
 * faults are those of tests/test_faults.py, which provokes them in real processes. */
#include "tests/unit/fake_clock.h"
#include "tests/unit/fake_hosts.h"

#include <signal.h>

static struct fake_hosts fakes;
#define HOST(i) (&fakes.hosts[i])

static const char compiled[] = "\"result\":{\"outcome\":\"compiled\"}";

/* A pool of so many workers, which are up, and a client. */
static struct fake_client *begin(unsigned workers) {
    fake_hosts_init(&fakes, "3.12", workers);
    struct fake_client *client = fake_client_new(&fakes.peers);
    for (unsigned i = 0; i < workers; i++) {
        assert_true(start_worker(&fakes.pool->starter));
        fake_hosts_turn(&fakes);
    }
    return client;
}

static void answer(unsigned host, unsigned worker, unsigned id) {
    fake_host_answer(&fakes, HOST(host), worker, id, compiled);
}

/* The living host of that kind that was started last. */
static struct fake_host *latest(enum host_kind kind) {
    for (unsigned i = fakes.host_count; i-- > 0;)
        if (fakes.hosts[i].kind == kind && !fakes.hosts[i].gone)
            return &fakes.hosts[i];
    fail_msg("there is no living host of kind %d", kind);
    return NULL;
}

/* Takes the cleanup that follows a compile whose host has died, and answers it. */
static void take_cleanup(unsigned of_id) {
    struct fake_request request;
    struct fake_host *host = latest(HOST_SHARED);
    assert_true(fake_host_take(host, 0, &request));
    assert_string_equal(request.method, "clean");
    assert_int_equal(request.id, of_id);
    fake_host_answer(&fakes, host, 0, of_id, "\"result\":{}");
}

static void test_a_suspect_is_tried_once_more_alone(void **state) {
    struct fake_client *client = begin(1);
    fake_hosts_submit(&fakes, client, 1, "killer");
    unsigned first = fake_host_expect(HOST(0), 0, "killer").id;
    fake_host_die(&fakes, HOST(0), 0, SIGSEGV);
    take_cleanup(first);
    struct fake_host *solo = latest(HOST_SOLO);
    unsigned second = fake_host_expect(solo, 0, "killer").id;
    assert_int_not_equal(first, second);
    fake_host_die(&fakes, solo, 0, SIGSEGV);
    fake_client_expect(client, 1, "WorkerCrashed: the compiler died of signal 11");
    take_cleanup(second);
    assert_int_equal(fakes.peers.census.jobs, 0);
    assert_int_equal(fakes.peers.census.counters.crashes, 2);
    assert_int_equal(fakes.pool->group.crashes, 2);
    fake_hosts_deinit(&fakes);
}

static void test_a_crash_is_described(void **state) {
    struct fake_client *client = begin(1);
    fake_hosts_submit(&fakes, client, 1, "killer");
    fake_host_die(&fakes, HOST(0), 3, 0);
    fake_host_die(&fakes, latest(HOST_SOLO), 3, 0);
    fake_client_expect(client, 1, "\"data\":{\"exit_status\":3,\"attempts\":2}");
    fake_hosts_deinit(&fakes);
}

static void test_a_suspect_that_does_no_harm_is_answered(void **state) {
    struct fake_client *client = begin(2);
    fake_hosts_submit(&fakes, client, 1, "killer");
    fake_hosts_submit(&fakes, client, 2, "innocent");
    fake_host_die(&fakes, HOST(0), 0, SIGSEGV);
    unsigned alone = 0;
    for (unsigned i = 1; i < fakes.host_count; i++) {
        struct fake_request request;
        if (HOST(i)->kind != HOST_SOLO || !fake_host_take(HOST(i), 0, &request))
            continue;
        alone++;
        if (strcmp(request.file, "innocent") == 0)
            answer(i, 0, request.id);
        else
            fake_host_die(&fakes, HOST(i), 0, SIGSEGV);
    }
    assert_int_equal(alone, 2);
    const char *text = fake_client_receive(client);
    bool innocent_first = text != NULL && strstr(text, "\"id\":2,") != NULL && strstr(text, "compiled") != NULL;
    if (innocent_first)
        fake_client_expect(client, 1, "WorkerCrashed");
    else
        fake_client_expect(client, 2, "compiled");
    fake_hosts_deinit(&fakes);
}

static void test_jobs_ahead_are_no_suspects(void **state) {
    struct fake_client *client = begin(1);
    fake_hosts_submit(&fakes, client, 1, "killer");
    fake_hosts_submit(&fakes, client, 2, "ahead");
    fake_host_expect(HOST(0), 0, "killer");
    fake_host_expect(HOST(0), 0, "ahead");
    fake_host_die(&fakes, HOST(0), 0, SIGABRT);
    fake_host_expect(latest(HOST_SOLO), 0, "killer");
    struct fake_request request;
    struct fake_host *shared = latest(HOST_SHARED);
    assert_true(fake_host_take(shared, 0, &request));
    assert_string_equal(request.method, "clean");
    fake_host_answer(&fakes, shared, 0, request.id, "\"result\":{}");
    fake_host_answer(&fakes, shared, 0, fake_host_expect(shared, 0, "ahead").id, compiled);
    fake_client_expect(client, 2, "compiled");
    fake_hosts_deinit(&fakes);
}

/* Lets shared hosts that run the job be killed from outside. */
static unsigned shoot(unsigned times, int signal) {
    struct fake_request request;
    unsigned shot = 0;
    for (; shot < times; shot++) {
        struct fake_host *host = latest(HOST_SHARED);
        while (fake_host_take(host, 0, &request) && strcmp(request.method, "clean") == 0)
            fake_host_answer(&fakes, host, 0, request.id, "\"result\":{}");
        if (strcmp(request.method, "compile") != 0)
            break;
        fake_host_die(&fakes, host, 0, signal);
    }
    return shot;
}

static void test_a_host_that_was_shot_makes_no_suspect(void **state) {
    struct fake_client *client = begin(1);
    fake_hosts_submit(&fakes, client, 1, "a");
    assert_int_equal(shoot(1, SIGTERM), 1);
    take_cleanup(1);
    answer(1, 0, fake_host_expect(HOST(1), 0, "a").id);
    fake_client_expect(client, 1, "compiled");
    fake_hosts_deinit(&fakes);
}

static void test_after_ten_shots_that_is_not_believed(void **state) {
    struct fake_client *client = begin(1);
    fake_hosts_submit(&fakes, client, 1, "a");
    assert_int_equal(shoot(11, SIGTERM), 11);
    fake_host_expect(latest(HOST_SOLO), 0, "a");
    fake_host_die(&fakes, latest(HOST_SOLO), 0, SIGTERM);
    fake_client_expect(client, 1, "\"data\":{\"signal\":15,\"attempts\":2}");
    fake_hosts_deinit(&fakes);
}

static void test_sigkill_is_a_shot_unless_the_kernel_ran_out_of_memory(void **state) {
    struct fake_client *client = begin(1);
    fake_hosts_submit(&fakes, client, 1, "a");
    assert_int_equal(shoot(1, SIGKILL), 1);
    take_cleanup(1);
    fake_host_expect(HOST(1), 0, "a");
    fakes.oom_kills++;
    fake_host_die(&fakes, HOST(1), 0, SIGKILL);
    fake_host_expect(latest(HOST_SOLO), 0, "a");
    fake_hosts_deinit(&fakes);
}

static void test_a_host_can_say_that_it_was_shot(void **state) {
    struct fake_client *client = begin(1);
    fake_hosts_submit(&fakes, client, 1, "a");
    fake_host_report(HOST(0), "shot", "{}");
    fake_host_die(&fakes, HOST(0), 0, SIGSEGV);
    take_cleanup(1);
    fake_host_expect(HOST(1), 0, "a");
    fake_hosts_deinit(&fakes);
}

static void test_a_job_that_times_out_costs_the_others_a_delay(void **state) {
    struct fake_client *client = begin(2);
    fakes.peers.options.job_timeout_ms = 1000;
    fake_hosts_submit(&fakes, client, 1, "slow");
    fake_clock_advance_ms(500);
    fake_hosts_turn(&fakes);
    fake_hosts_submit(&fakes, client, 2, "other");
    fake_clock_advance_ms(501);
    fake_hosts_turn(&fakes);
    assert_true(HOST(0)->gone);
    fake_client_expect(client, 1, "\"data\":{\"timeout_ms\":1000}");
    assert_int_equal(fakes.peers.census.counters.timeouts, 1);
    assert_int_equal(fakes.peers.census.counters.crashes, 0);
    for (unsigned i = 0; i < fakes.host_count; i++)
        assert_int_equal(HOST(i)->kind, HOST_SHARED);
    fake_hosts_deinit(&fakes);
}

static void test_the_time_of_a_job_counts_from_its_start(void **state) {
    struct fake_client *client = begin(1);
    fakes.peers.options.job_timeout_ms = 1000;
    fake_hosts_submit(&fakes, client, 1, "a");
    fake_hosts_submit(&fakes, client, 2, "b");
    fake_clock_advance_ms(900);
    fake_hosts_turn(&fakes);
    answer(0, 0, fake_host_expect(HOST(0), 0, "a").id);
    fake_clock_advance_ms(900);
    fake_hosts_turn(&fakes);
    assert_false(HOST(0)->gone);
    answer(0, 0, fake_host_expect(HOST(0), 0, "b").id);
    fake_client_expect(client, 1, "compiled");
    fake_client_expect(client, 2, "compiled");
    fake_hosts_deinit(&fakes);
}

/* The timer of a worker is not set anew for a job whose time ends later. */
static void test_each_job_has_its_own_time(void **state) {
    struct fake_client *client = begin(1);
    fakes.peers.options.job_timeout_ms = 1000;
    fake_hosts_submit(&fakes, client, 1, "a");
    fake_clock_advance_ms(600);
    fake_hosts_turn(&fakes);
    answer(0, 0, fake_host_expect(HOST(0), 0, "a").id);
    fake_hosts_submit(&fakes, client, 2, "b");
    fake_clock_advance_ms(999);
    fake_hosts_turn(&fakes);
    assert_false(HOST(0)->gone);
    answer(0, 0, fake_host_expect(HOST(0), 0, "b").id);
    fakes.peers.options.job_timeout_ms = 100;
    fake_hosts_submit(&fakes, client, 3, "c");
    fake_clock_advance_ms(99);
    fake_hosts_turn(&fakes);
    assert_false(HOST(0)->gone);
    fake_clock_advance_ms(2);
    fake_hosts_turn(&fakes);
    assert_true(HOST(0)->gone);
    fake_client_expect(client, 1, "compiled");
    fake_client_expect(client, 2, "compiled");
    fake_client_expect(client, 3, "\"data\":{\"timeout_ms\":100}");
    fake_hosts_deinit(&fakes);
}

static void test_a_job_without_a_timeout_gets_one_when_its_client_goes(void **state) {
    struct fake_client *client = begin(1);
    struct job *job = fake_hosts_new_job(&fakes, client, 1, "endless", JOB_COMPILE);
    job->timeout_ms = 0;
    pool_submit(fakes.pool, job);
    fake_hosts_turn(&fakes);
    fake_clock_advance_ms(1000000);
    fake_hosts_turn(&fakes);
    assert_false(HOST(0)->gone);
    fake_client_close(client);
    fake_hosts_turn(&fakes);
    fake_clock_advance_ms(60001);
    fake_hosts_turn(&fakes);
    assert_true(HOST(0)->gone);
    fake_hosts_deinit(&fakes);
}

static void test_a_cancelled_job_is_not_tried_again(void **state) {
    struct fake_client *client = begin(1);
    struct job *job = fake_hosts_submit(&fakes, client, 1, "killer");
    pool_cancel(job);
    fake_host_die(&fakes, HOST(0), 0, SIGSEGV);
    take_cleanup(1);
    assert_int_equal(fakes.peers.census.jobs, 0);
    assert_int_equal(fakes.host_count, 2);
    fake_hosts_deinit(&fakes);
}

static void test_a_check_leaves_nothing_to_clean_up(void **state) {
    struct fake_request request;
    struct fake_client *client = begin(1);
    pool_submit(fakes.pool, fake_hosts_new_job(&fakes, client, 1, "a", JOB_CHECK));
    fake_hosts_turn(&fakes);
    fake_host_die(&fakes, HOST(0), 0, SIGSEGV);
    assert_int_equal(fakes.host_count, 2);
    assert_true(fake_host_take(latest(HOST_SOLO), 0, &request));
    assert_string_equal(request.method, "check");
    fake_hosts_deinit(&fakes);
}

static void test_a_cleanup_is_tried_twice(void **state) {
    struct fake_request request;
    struct fake_client *client = begin(1);
    pool_cancel(fake_hosts_submit(&fakes, client, 1, "killer"));
    fake_host_die(&fakes, HOST(0), 0, SIGSEGV);
    for (unsigned i = 1; i <= 2; i++) {
        assert_true(fake_host_take(HOST(i), 0, &request));
        assert_string_equal(request.method, "clean");
        fake_host_die(&fakes, HOST(i), 0, SIGSEGV);
    }
    assert_int_equal(fakes.peers.census.jobs, 0);
    assert_int_equal(fakes.host_count, 3);
    fake_hosts_deinit(&fakes);
}

/* A host that does not come to the end of a cleanup is killed, and the cleanup is given up. */
static void test_a_cleanup_has_ten_seconds(void **state) {
    struct fake_request request;
    struct fake_client *client = begin(1);
    pool_cancel(fake_hosts_submit(&fakes, client, 1, "killer"));
    fake_host_die(&fakes, HOST(0), 0, SIGSEGV);
    assert_true(fake_host_take(HOST(1), 0, &request));
    assert_string_equal(request.method, "clean");
    fake_clock_advance_ms(9999);
    fake_hosts_turn(&fakes);
    assert_false(HOST(1)->gone);
    fake_clock_advance_ms(1);
    fake_hosts_turn(&fakes);
    assert_true(HOST(1)->gone);
    assert_int_equal(fakes.peers.census.jobs, 0);
    fake_hosts_deinit(&fakes);
}

static void test_while_draining_nothing_is_tried_again_but_cleanups_are_run(void **state) {
    struct fake_client *client = begin(1);
    fake_hosts_submit(&fakes, client, 1, "a");
    fakes.peers.census.draining = true;
    pool_drain(fakes.pool);
    fake_host_die(&fakes, HOST(0), 0, SIGSEGV);
    fake_client_expect(client, 1, "\"retryable\":true");
    take_cleanup(1);
    assert_int_equal(fakes.peers.census.jobs, 0);
    fake_hosts_deinit(&fakes);
}

/* A host that closes a socket and lives is killed after half a second; its job is a suspect. */
static void test_a_host_that_hangs_up_and_lives_is_killed(void **state) {
    struct fake_client *client = begin(1);
    fake_hosts_submit(&fakes, client, 1, "a");
    fake_host_hang_up(HOST(0), 0);
    fake_hosts_turn(&fakes);
    assert_false(HOST(0)->gone);
    fake_clock_advance_ms(501);
    fake_hosts_turn(&fakes);
    assert_true(HOST(0)->gone);
    fake_host_expect(latest(HOST_SOLO), 0, "a");
    fake_hosts_deinit(&fakes);
}

/* A host whose process has ended is gone after two seconds, whatever its streams say. */
static void test_a_reaped_host_is_gone(void **state) {
    struct fake_client *client = begin(1);
    fake_hosts_submit(&fakes, client, 1, "a");
    fake_host_die_open(&fakes, HOST(0), SIGSEGV);
    assert_int_equal(fakes.host_count, 1);
    fake_clock_advance_ms(2001);
    fake_hosts_turn(&fakes);
    fake_host_expect(latest(HOST_SOLO), 0, "a");
    fakes.peers.census.draining = true;
    pool_drain(fakes.pool);
    fake_hosts_deinit(&fakes);
}

/* The limit on what is held for clients does not keep a host's answers from being read. */
static void test_hosts_are_read_whatever_clients_hold(void **state) {
    struct fake_client *client = begin(1);
    fake_hosts_submit(&fakes, client, 1, "a");
    unsigned id = fake_host_expect(HOST(0), 0, "a").id;
    fakes.peers.channels.limit = 0;
    connection_hold(client->connection, 1000);
    answer(0, 0, id);
    connection_release(client->connection, 1000);
    fakes.peers.channels.limit = SIZE_MAX;
    assert_int_equal(fakes.peers.census.counters.compiled, 1);
    fake_hosts_deinit(&fakes);
}

/* An answer over the limit costs its host, not the clients. */
static void test_an_answer_over_the_limit(void **state) {
    struct fake_client *client = begin(1);
    fake_hosts_submit(&fakes, client, 1, "a");
    assert_int_equal(fakes.peers.channels.held, client->connection->channel.held);
    fake_host_announce(HOST(0), 0, RPC_ANSWER_MAX + 1);
    fake_hosts_turn(&fakes);
    assert_true(HOST(0)->gone);
    assert_int_equal(fakes.peers.census.connections, 1);
    fake_host_expect(latest(HOST_SOLO), 0, "a");
    fake_hosts_deinit(&fakes);
}

static void test_a_report_over_the_limit(void **state) {
    begin(1);
    fake_host_announce_report(HOST(0), (64 << 10) + 1);
    fake_hosts_turn(&fakes);
    assert_true(HOST(0)->gone);
    fake_hosts_deinit(&fakes);
}

static void test_a_host_that_does_not_leave_is_killed(void **state) {
    begin(1);
    fakes.stays = true;
    pool_retire(fakes.pool);
    fake_clock_advance_ms(9999);
    fake_hosts_turn(&fakes);
    assert_false(HOST(0)->gone);
    fake_clock_advance_ms(1);
    fake_hosts_turn(&fakes);
    assert_true(HOST(0)->gone);
    fake_hosts_deinit(&fakes);
}

static void test_two_jobs_of_a_host_time_out_at_once(void **state) {
    struct fake_client *client = begin(2);
    fakes.peers.options.job_timeout_ms = 1000;
    for (unsigned i = 1; i <= 2; i++)
        pool_submit(fakes.pool, fake_hosts_new_job(&fakes, client, i, "slow", JOB_CHECK));
    fake_hosts_turn(&fakes);
    fake_clock_advance_ms(1001);
    fake_hosts_turn(&fakes);
    unsigned answered = 0;
    for (const char *text; (text = fake_client_receive(client)) != NULL; answered++)
        assert_non_null(strstr(text, "\"code\":-32004"));
    assert_int_equal(answered, 2);
    assert_int_equal(fakes.peers.census.jobs, 0);
    fake_hosts_deinit(&fakes);
}

/* As many hosts for suspects at once as there may be workers. */
static void test_suspects_side_by_side(void **state) {
    struct fake_client *client = begin(3);
    for (unsigned i = 1; i <= 3; i++)
        pool_submit(fakes.pool, fake_hosts_new_job(&fakes, client, i, "a", JOB_CHECK));
    fake_hosts_turn(&fakes);
    fake_host_die(&fakes, HOST(0), 0, SIGSEGV);
    unsigned solo = 0;
    for (unsigned i = 1; i < fakes.host_count; i++)
        solo += HOST(i)->kind == HOST_SOLO && !HOST(i)->gone;
    assert_int_equal(solo, 3);
    fake_hosts_deinit(&fakes);
}

static void test_cancelled_while_its_host_starts(void **state) {
    struct fake_request request;
    struct fake_client *client = begin(1);
    struct job *job = fake_hosts_new_job(&fakes, client, 1, "a", JOB_CHECK);
    pool_submit(fakes.pool, job);
    fakes.warms_by_itself = false;
    fake_host_die(&fakes, HOST(0), 0, SIGSEGV);
    assert_int_equal(job->state, JOB_ALONE);
    pool_cancel(job);
    fakes.warms_by_itself = true;
    fake_hosts_turn(&fakes);
    assert_false(fake_host_take(latest(HOST_SOLO), 0, &request));
    assert_int_equal(fakes.peers.census.jobs, 0);
    fake_hosts_deinit(&fakes);
}

/* Steps of the test below: a small generator, so that a seed gives the same steps everywhere. */
static unsigned random_below(uint32_t *seed, unsigned bound) {
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 16) % bound;
}

static void answer_next(struct fake_host *host, unsigned worker) {
    struct fake_request request;
    if (fake_host_take(host, worker, &request))
        fake_host_answer(&fakes, host, worker, request.id,
                         strcmp(request.method, "clean") == 0 ? "\"result\":{}" : compiled);
}

static void step(uint32_t *seed, struct fake_client *client, unsigned *asked) {
    struct fake_host *host = HOST(random_below(seed, fakes.host_count));
    switch (random_below(seed, 8)) {
    case 0:
        if (!host->gone)
            fake_host_die(&fakes, host, 0, (int[]){SIGKILL, SIGTERM, SIGSEGV, SIGABRT}[random_below(seed, 4)]);
        break;
    case 1:
    case 2:
    case 3:
        fake_hosts_submit(&fakes, client, ++*asked, "a");
        break;
    case 4:
        fake_clock_advance_ms(random_below(seed, 3000));
        fake_hosts_turn(&fakes);
        break;
    default:
        answer_next(host, random_below(seed, host->workers));
    }
}

/* Hosts that die at any moment: every request gets one answer, whatever it is, and nothing is left. */
static void test_under_fire(void **state) {
    for (uint32_t seed = 1, run = seed; run <= 40; run++, seed = run) {
        unsigned asked = 0, answered = 0;
        bool seen[128] = {false};
        struct fake_client *client = begin(1 + run % 3);
        while (asked < 60 && fakes.host_count < 200)
            step(&seed, client, &asked);
        for (unsigned round = 0; fakes.peers.census.jobs > 0 && round < 200; round++)
            for (unsigned i = 0; i < fakes.host_count; i++)
                for (unsigned j = 0; j < HOST(i)->workers; j++)
                    answer_next(HOST(i), j);
        for (const char *text; (text = fake_client_receive(client)) != NULL; answered++) {
            unsigned id = (unsigned)strtoul(strstr(text, "\"id\":") + 5, NULL, 10);
            assert_true(id >= 1 && id <= asked && !seen[id]);
            seen[id] = true;
        }
        assert_int_equal(answered, asked);
        assert_int_equal(fakes.peers.census.jobs, 0);
        assert_int_equal(client->connection->held, 0);
        fake_hosts_deinit(&fakes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_suspect_is_tried_once_more_alone),
        cmocka_unit_test(test_a_crash_is_described),
        cmocka_unit_test(test_a_suspect_that_does_no_harm_is_answered),
        cmocka_unit_test(test_jobs_ahead_are_no_suspects),
        cmocka_unit_test(test_a_host_that_was_shot_makes_no_suspect),
        cmocka_unit_test(test_after_ten_shots_that_is_not_believed),
        cmocka_unit_test(test_sigkill_is_a_shot_unless_the_kernel_ran_out_of_memory),
        cmocka_unit_test(test_a_host_can_say_that_it_was_shot),
        cmocka_unit_test(test_a_job_that_times_out_costs_the_others_a_delay),
        cmocka_unit_test(test_the_time_of_a_job_counts_from_its_start),
        cmocka_unit_test(test_each_job_has_its_own_time),
        cmocka_unit_test(test_a_job_without_a_timeout_gets_one_when_its_client_goes),
        cmocka_unit_test(test_a_cancelled_job_is_not_tried_again),
        cmocka_unit_test(test_a_check_leaves_nothing_to_clean_up),
        cmocka_unit_test(test_a_cleanup_is_tried_twice),
        cmocka_unit_test(test_a_cleanup_has_ten_seconds),
        cmocka_unit_test(test_while_draining_nothing_is_tried_again_but_cleanups_are_run),
        cmocka_unit_test(test_a_host_that_hangs_up_and_lives_is_killed),
        cmocka_unit_test(test_a_reaped_host_is_gone),
        cmocka_unit_test(test_hosts_are_read_whatever_clients_hold),
        cmocka_unit_test(test_an_answer_over_the_limit),
        cmocka_unit_test(test_a_report_over_the_limit),
        cmocka_unit_test(test_a_host_that_does_not_leave_is_killed),
        cmocka_unit_test(test_two_jobs_of_a_host_time_out_at_once),
        cmocka_unit_test(test_suspects_side_by_side),
        cmocka_unit_test(test_cancelled_while_its_host_starts),
        cmocka_unit_test(test_under_fire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
