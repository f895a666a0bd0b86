/* Unit tests of daemon/pool/pool: which job goes to which worker when, and what becomes of cancelled jobs and of a pool
 * that drains. */
#include "tests/unit/fake_clock.h"
#include "tests/unit/fake_hosts.h"

static struct fake_hosts fakes;
#define HOST(i) (&fakes.hosts[i])

static const char compiled[] = "\"result\":{\"outcome\":\"compiled\"}";

/* A pool of so many workers, which are up, and a client. */
static struct fake_client *begin(const char *python, unsigned workers) {
    fake_hosts_init(&fakes, python, workers);
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

static void test_interpreters_with_a_gil_of_their_own_share_a_host(void **state) {
    struct fake_client *client = begin("3.12", 3);
    fake_hosts_submit(&fakes, client, 1, "a");
    fake_hosts_submit(&fakes, client, 2, "b");
    fake_hosts_submit(&fakes, client, 3, "c");
    assert_int_equal(fakes.host_count, 1);
    assert_int_equal(HOST(0)->workers, 3);
    fake_host_expect(HOST(0), 0, "a");
    fake_host_expect(HOST(0), 1, "b");
    fake_host_expect(HOST(0), 2, "c");
    fake_hosts_deinit(&fakes);
}

static void test_before_312_each_worker_is_a_host(void **state) {
    struct fake_client *client = begin("3.11", 3);
    for (unsigned i = 1; i <= 4; i++)
        fake_hosts_submit(&fakes, client, i, "a");
    assert_int_equal(fakes.host_count, 3);
    assert_int_equal(HOST(2)->workers, 1);
    fake_hosts_deinit(&fakes);
}

static void test_a_busy_worker_gets_one_job_ahead(void **state) {
    struct fake_request request;
    struct fake_client *client = begin("3.12", 2);
    for (unsigned i = 1; i <= 5; i++)
        fake_hosts_submit(&fakes, client, i, (const char *[]){"", "a", "b", "c", "d", "e"}[i]);
    unsigned a = fake_host_expect(HOST(0), 0, "a").id;
    fake_host_expect(HOST(0), 1, "b");
    fake_host_expect(HOST(0), 0, "c");
    fake_host_expect(HOST(0), 1, "d");
    assert_false(fake_host_take(HOST(0), 0, &request));
    assert_int_equal(queues_count(&fakes.pool->queues), 1);
    fake_clock_advance_ms(50);
    answer(0, 0, a);
    fake_host_expect(HOST(0), 0, "e");
    fake_client_expect(client, 1, "compiled");
    fake_hosts_deinit(&fakes);
}

/* A worker that was passed over because of its long job is found again once it has answered. */
static void test_a_worker_that_was_passed_over_is_found_again(void **state) {
    struct fake_client *client = begin("3.12", 1);
    fake_hosts_submit(&fakes, client, 1, "long");
    fake_clock_advance_ms(201);
    fake_hosts_turn(&fakes);
    fake_hosts_submit(&fakes, client, 2, "b");
    fake_hosts_submit(&fakes, client, 3, "c");
    answer(0, 0, fake_host_expect(HOST(0), 0, "long").id);
    fake_host_expect(HOST(0), 0, "b");
    fake_host_expect(HOST(0), 0, "c");
    fake_hosts_deinit(&fakes);
}

static void test_the_worker_that_was_busy_last_is_the_first_to_get_a_job(void **state) {
    struct fake_client *client = begin("3.12", 3);
    fake_hosts_submit(&fakes, client, 1, "a");
    fake_hosts_submit(&fakes, client, 2, "b");
    unsigned b = fake_host_expect(HOST(0), 1, "b").id;
    answer(0, 0, fake_host_expect(HOST(0), 0, "a").id);
    answer(0, 1, b);
    fake_hosts_submit(&fakes, client, 3, "c");
    answer(0, 1, fake_host_expect(HOST(0), 1, "c").id);
    fake_hosts_submit(&fakes, client, 4, "d");
    fake_host_expect(HOST(0), 1, "d");
    fake_hosts_submit(&fakes, client, 5, "e");
    fake_host_expect(HOST(0), 0, "e");
    fake_hosts_deinit(&fakes);
}

static void test_a_worker_with_a_long_job_gets_none_ahead(void **state) {
    struct fake_request request;
    struct fake_client *client = begin("3.12", 1);
    fake_hosts_submit(&fakes, client, 1, "long");
    fake_host_expect(HOST(0), 0, "long");
    fake_clock_advance_ms(201);
    fake_hosts_turn(&fakes);
    fake_hosts_submit(&fakes, client, 2, "b");
    assert_false(fake_host_take(HOST(0), 0, &request));
    fake_hosts_deinit(&fakes);
}

/* Answers in 100 us, so that 20 jobs fit into the work that a worker has ahead. */
static void test_fast_jobs_are_given_eight_ahead(void **state) {
    struct fake_request request;
    struct fake_client *client = begin("3.12", 1);
    fake_hosts_submit(&fakes, client, 1, "first");
    unsigned id = fake_host_expect(HOST(0), 0, "first").id, given = 0;
    fake_clock_advance_us(100);
    answer(0, 0, id);
    for (unsigned i = 2; i <= 20; i++)
        fake_hosts_submit(&fakes, client, i, "next");
    while (fake_host_take(HOST(0), 0, &request))
        given++;
    assert_int_equal(given, WORKER_JOBS_LOCAL);
    fake_hosts_deinit(&fakes);
}

static void test_after_a_slow_job_there_are_two_again(void **state) {
    struct fake_request request;
    struct fake_client *client = begin("3.12", 1);
    unsigned given = 0;
    for (unsigned i = 1; i <= 2; i++) {
        fake_hosts_submit(&fakes, client, i, "first");
        unsigned id = fake_host_expect(HOST(0), 0, "first").id;
        fake_clock_advance_us(i == 1 ? 100 : 30000);
        answer(0, 0, id);
    }
    for (unsigned i = 3; i <= 20; i++)
        fake_hosts_submit(&fakes, client, i, "next");
    while (fake_host_take(HOST(0), 0, &request))
        given++;
    assert_int_equal(given, 2);
    fake_hosts_deinit(&fakes);
}

static void test_connections_are_served_in_turn(void **state) {
    struct fake_client *flood = begin("3.12", 1), *other = fake_client_new(&fakes.peers);
    for (unsigned i = 1; i <= 6; i++)
        fake_hosts_submit(&fakes, flood, i, "flood");
    fake_hosts_submit(&fakes, other, 7, "other");
    unsigned first = fake_host_expect(HOST(0), 0, "flood").id, second = fake_host_expect(HOST(0), 0, "flood").id;
    fake_clock_advance_ms(10);
    answer(0, 0, first);
    fake_host_expect(HOST(0), 0, "flood");
    fake_clock_advance_ms(10);
    answer(0, 0, second);
    fake_host_expect(HOST(0), 0, "other"); /* before three that came first */
    fake_hosts_deinit(&fakes);
}

static struct job *submit_with(struct fake_client *client, unsigned id, const char *file, enum priority priority) {
    struct job *job = fake_hosts_new_job(&fakes, client, id, file, JOB_COMPILE);
    job->priority = priority;
    pool_submit(fakes.pool, job);
    fake_hosts_turn(&fakes);
    return job;
}

static void test_no_prefetch_while_an_editor_is_at_work(void **state) {
    struct fake_request request;
    struct fake_client *client = begin("3.12", 1);
    submit_with(client, 1, "edited", PRIORITY_INTERACTIVE);
    unsigned id = fake_host_expect(HOST(0), 0, "edited").id;
    submit_with(client, 2, "bulk", PRIORITY_BACKGROUND);
    submit_with(client, 3, "more", PRIORITY_BACKGROUND);
    assert_false(fake_host_take(HOST(0), 0, &request));
    fake_clock_advance_ms(4000);
    answer(0, 0, id);
    fake_host_expect(HOST(0), 0, "bulk"); /* an idle worker takes it */
    assert_false(fake_host_take(HOST(0), 0, &request));
    submit_with(client, 4, "edited", PRIORITY_INTERACTIVE);
    assert_false(fake_host_take(HOST(0), 0, &request));
    fake_hosts_deinit(&fakes);
}

static void test_interactive_goes_first_and_prefetch_comes_back(void **state) {
    struct fake_request request;
    struct fake_client *client = begin("3.12", 1);
    submit_with(client, 1, "edited", PRIORITY_INTERACTIVE);
    unsigned id = fake_host_expect(HOST(0), 0, "edited").id;
    submit_with(client, 2, "bulk", PRIORITY_BACKGROUND);
    submit_with(client, 3, "usual", PRIORITY_NORMAL);
    submit_with(client, 4, "again", PRIORITY_INTERACTIVE);
    fake_clock_advance_ms(5001);
    fake_hosts_turn(&fakes);
    answer(0, 0, id);
    fake_host_expect(HOST(0), 0, "again");
    fake_host_expect(HOST(0), 0, "usual"); /* prefetch: the editor has been quiet for five seconds */
    assert_false(fake_host_take(HOST(0), 0, &request));
    fake_hosts_deinit(&fakes);
}

static void test_a_host_may_ask_for_a_pristine_process(void **state) {
    struct fake_client *client = begin("3.12", 1);
    fake_hosts_submit(&fakes, client, 1, "a");
    unsigned id = fake_host_expect(HOST(0), 0, "a").id;
    fake_host_answer(&fakes, HOST(0), 0, id, "\"error\":{\"code\":-32099,\"message\":\"\"}");
    assert_int_equal(fakes.host_count, 2);
    assert_int_equal(HOST(1)->kind, HOST_PRISTINE);
    answer(1, 0, fake_host_expect(HOST(1), 0, "a").id);
    fake_client_expect(client, 1, "compiled");
    assert_int_equal(fakes.peers.census.counters.exact, 1);
    fake_hosts_deinit(&fakes);
}

/* The jobs that wait for pristine hosts, of which `started` are started, and nothing is up yet. */
static unsigned begin_pristine(unsigned workers, unsigned jobs) {
    struct fake_client *client = begin("3.13", workers);
    fakes.warms_by_itself = false;
    for (unsigned i = 1; i <= jobs; i++) {
        struct job *job = fake_hosts_new_job(&fakes, client, i, "a", JOB_COMPILE);
        job->wants = HOST_PRISTINE;
        pool_submit(fakes.pool, job);
    }
    fake_hosts_turn(&fakes);
    return fakes.host_count - 1;
}

static void test_pristine_hosts_are_as_many_as_workers_where_jobs_wait(void **state) {
    struct fake_request request;
    assert_int_equal(begin_pristine(3, 40), 3);
    fakes.warms_by_itself = true;
    fake_hosts_turn(&fakes);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(HOST(i)->kind, HOST_PRISTINE);
        fake_host_expect(HOST(i), 0, "a");
        fake_host_expect(HOST(i), 0, "a"); /* one ahead */
        assert_false(fake_host_take(HOST(i), 0, &request));
    }
    fake_hosts_deinit(&fakes);
}

static void test_a_few_exact_jobs_share_a_pristine_host(void **state) {
    assert_int_equal(begin_pristine(3, 4), 1);
    fake_hosts_deinit(&fakes);
    assert_int_equal(begin_pristine(3, 5), 2);
    fake_hosts_deinit(&fakes);
}

static void test_a_pristine_host_that_dies_loses_nothing(void **state) {
    struct fake_client *client = begin("3.13", 2);
    for (unsigned i = 1; i <= 12; i++) {
        struct job *job = fake_hosts_new_job(&fakes, client, i, "a", JOB_COMPILE);
        job->wants = HOST_PRISTINE;
        pool_submit(fakes.pool, job);
    }
    fake_hosts_turn(&fakes);
    assert_int_equal(fakes.host_count, 3);
    fake_host_die(&fakes, HOST(1), 0, SIGKILL); /* by somebody else */
    for (bool more = true; more;) {
        more = false;
        for (unsigned i = 0; i < fakes.host_count; i++) {
            struct fake_request request;
            if (fake_host_take(HOST(i), 0, &request)) {
                more = true;
                bool clean = strcmp(request.method, "clean") == 0;
                fake_host_answer(&fakes, HOST(i), 0, request.id, clean ? "\"result\":{}" : compiled);
            }
        }
    }
    assert_int_equal(fakes.peers.census.counters.compiled, 12);
    fake_hosts_deinit(&fakes);
}

static void test_jobs_that_need_much_memory_run_one_after_the_other(void **state) {
    struct fake_client *client = begin("3.12", 2);
    for (unsigned i = 1; i <= 2; i++)
        fake_hosts_submit(&fakes, client, i, i == 1 ? "a" : "b");
    for (unsigned i = 0; i < 2; i++)
        fake_host_answer(&fakes, HOST(0), i, fake_host_expect(HOST(0), i, i == 0 ? "a" : "b").id,
                         "\"error\":{\"code\":-32098,\"message\":\"\"}");
    assert_int_equal(fakes.host_count, 2);
    assert_int_equal(HOST(1)->kind, HOST_SOLO);
    answer(1, 0, fake_host_expect(HOST(1), 0, "a").id);
    assert_true(HOST(1)->gone);
    assert_int_equal(fakes.host_count, 3);
    answer(2, 0, fake_host_expect(HOST(2), 0, "b").id);
    fake_hosts_deinit(&fakes);
}

static void test_a_cancelled_job_that_waits_is_freed(void **state) {
    struct fake_client *client = begin("3.12", 1);
    for (unsigned i = 1; i <= 3; i++)
        fake_hosts_submit(&fakes, client, i, "a");
    struct job *waiting = fake_hosts_submit(&fakes, client, 4, "b");
    assert_int_equal(waiting->state, JOB_QUEUED);
    pool_cancel(waiting);
    assert_int_equal(fakes.peers.census.jobs, 3);
    assert_int_equal(client->connection->open, 3);
    fake_hosts_deinit(&fakes);
}

static void test_the_answer_of_a_cancelled_job_that_runs_is_discarded(void **state) {
    struct fake_client *client = begin("3.12", 1);
    struct job *job = fake_hosts_submit(&fakes, client, 1, "a");
    unsigned id = fake_host_expect(HOST(0), 0, "a").id;
    pool_cancel(job);
    assert_int_equal(client->connection->open, 0);
    assert_int_equal(fakes.peers.census.jobs, 1);
    answer(0, 0, id);
    assert_int_equal(fakes.peers.census.jobs, 0);
    assert_null(fake_client_receive(client));
    fake_hosts_deinit(&fakes);
}

static void test_jobs_of_a_client_that_goes_are_dropped(void **state) {
    struct fake_client *client = begin("3.12", 1);
    for (unsigned i = 1; i <= 5; i++)
        fake_hosts_submit(&fakes, client, i, "a");
    fake_client_close(client);
    fake_hosts_turn(&fakes);
    assert_int_equal(fakes.peers.census.connections, 0);
    assert_int_equal(fakes.peers.census.jobs, 2); /* that a worker has */
    assert_int_equal(fakes.peers.census.held, 0);
    fake_hosts_deinit(&fakes);
}

static void test_a_job_is_charged_for_its_parameters_and_their_copy(void **state) {
    struct fake_client *client = begin("3.12", 1);
    struct job *job = fake_hosts_new_job(&fakes, client, 1, "a", JOB_CHECK);
    size_t before = client->connection->held;
    assert_true(before >= sizeof *job + job->params_len);
    job_set_buffer(job, xstrdup("/some/file"));
    assert_int_equal(client->connection->held, before + sizeof "/some/file");
    pool_submit(fakes.pool, job);
    fake_hosts_turn(&fakes);
    assert_int_equal(client->connection->held, before + sizeof "/some/file" + job->params_len);
    pool_cancel(job);
    assert_int_equal(client->connection->held, 0);
    fake_hosts_deinit(&fakes);
}

static void test_a_host_that_grew_is_replaced_between_jobs(void **state) {
    struct fake_client *client = begin("3.12", 1);
    fakes.peers.options.host_memory_mib = 100;
    fake_hosts_submit(&fakes, client, 1, "a");
    unsigned id = fake_host_expect(HOST(0), 0, "a").id;
    fake_host_report(HOST(0), "memory", "{\"rss_kb\":99000}");
    fake_hosts_turn(&fakes);
    assert_non_null(host_group_find(&fakes.pool->group, HOST_SHARED));
    fake_host_report(HOST(0), "memory", "{\"rss_kb\":103000}");
    fake_hosts_turn(&fakes);
    assert_null(host_group_find(&fakes.pool->group, HOST_SHARED));
    assert_false(HOST(0)->gone);
    answer(0, 0, id);
    assert_true(HOST(0)->gone);
    fake_client_expect(client, 1, "compiled");
    fake_hosts_submit(&fakes, client, 2, "b");
    fake_host_expect(HOST(1), 0, "b");
    fake_hosts_deinit(&fakes);
}

/* A host whose Python was replaced on disk answers no job: all of them go to the next one. */
static void test_a_host_of_a_replaced_python_is_replaced(void **state) {
    struct fake_client *client = begin("3.12", 1);
    fake_hosts_submit(&fakes, client, 1, "a");
    fake_hosts_submit(&fakes, client, 2, "b");
    for (unsigned i = 1; i <= 2; i++)
        fake_host_answer(&fakes, HOST(0), 0, fake_host_expect(HOST(0), 0, i == 1 ? "a" : "b").id,
                         "\"error\":{\"code\":-32097,\"message\":\"\"}");
    assert_true(HOST(0)->gone);
    assert_int_equal(fakes.host_count, 2);
    assert_int_equal(HOST(1)->kind, HOST_SHARED);
    answer(1, 0, fake_host_expect(HOST(1), 0, "a").id);
    fake_client_expect(client, 1, "compiled");
    answer(1, 0, fake_host_expect(HOST(1), 0, "b").id);
    fake_client_expect(client, 2, "compiled");
    assert_int_equal(fakes.peers.census.counters.crashes, 0);
    fake_hosts_deinit(&fakes);
}

/* A Python whose files change without pause costs a job a bounded number of hosts, and then gives an error. */
static void test_a_python_that_changes_without_pause_is_given_up(void **state) {
    struct fake_client *client = begin("3.12", 1);
    fake_hosts_submit(&fakes, client, 1, "a");
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(fakes.host_count, i + 1);
        fake_host_answer(&fakes, HOST(i), 0, fake_host_expect(HOST(i), 0, "a").id,
                         "\"error\":{\"code\":-32097,\"message\":\"\"}");
    }
    fake_client_expect(client, 1, "change without pause: 8 hosts");
    assert_int_equal(fakes.host_count, 8);
    assert_int_equal(fakes.peers.census.counters.crashes, 0);
    fake_hosts_deinit(&fakes);
}

static void test_an_idle_pool_shrinks_to_one_interpreter(void **state) {
    struct fake_client *client = begin("3.12", 2);
    fakes.pool->keeps_warm = true;
    fake_hosts_submit(&fakes, client, 1, "a");
    fake_hosts_submit(&fakes, client, 2, "b");
    answer(0, 0, fake_host_expect(HOST(0), 0, "a").id);
    answer(0, 1, fake_host_expect(HOST(0), 1, "b").id);
    fake_clock_advance_ms(59000);
    fake_hosts_turn(&fakes);
    pool_shrink(fakes.pool, 60000);
    fake_hosts_turn(&fakes);
    assert_false(HOST(0)->gone);
    fake_clock_advance_ms(2000);
    fake_hosts_turn(&fakes);
    pool_shrink(fakes.pool, 60000);
    fake_hosts_turn(&fakes);
    assert_true(HOST(0)->gone);
    assert_int_equal(fakes.host_count, 2);
    struct host *kept = host_group_find(&fakes.pool->group, HOST_SHARED);
    assert_non_null(kept);
    assert_int_equal(kept->workers[0].state, WORKER_READY);
    assert_int_equal(kept->workers[1].state, WORKER_COLD);
    fakes.pool->file.path = xstrdup("/a/python"); /* as the default that was found at run time */
    fake_clock_advance_ms(3600000);
    pool_shrink(fakes.pool, 60000);
    fake_hosts_turn(&fakes);
    assert_int_equal(fakes.host_count, 2);
    assert_ptr_equal(host_group_find(&fakes.pool->group, HOST_SHARED), kept);
    fake_hosts_deinit(&fakes);
}

static void test_draining_answers_what_waits_and_finishes_what_runs(void **state) {
    struct fake_client *client = begin("3.12", 1);
    for (unsigned i = 1; i <= 3; i++)
        fake_hosts_submit(&fakes, client, i, "a");
    unsigned first = fake_host_expect(HOST(0), 0, "a").id, second = fake_host_expect(HOST(0), 0, "a").id;
    fakes.peers.census.draining = true;
    pool_drain(fakes.pool);
    fake_hosts_turn(&fakes);
    fake_client_expect(client, 3, "\"retryable\":true");
    answer(0, 0, first);
    answer(0, 0, second);
    fake_client_expect(client, 1, "compiled");
    fake_client_expect(client, 2, "compiled");
    pool_retire(fakes.pool);
    fake_hosts_turn(&fakes);
    assert_true(HOST(0)->gone);
    assert_int_equal(fakes.peers.census.hosts, 0);
    fake_hosts_deinit(&fakes);
}

static void test_draining_without_patience_kills_what_runs(void **state) {
    struct fake_client *client = begin("3.12", 1);
    for (unsigned i = 1; i <= 2; i++)
        fake_hosts_submit(&fakes, client, i, "a");
    fake_host_expect(HOST(0), 0, "a");
    fakes.peers.census.draining = true;
    pool_drain(fakes.pool);
    pool_kill(fakes.pool);
    fake_hosts_turn(&fakes);
    assert_true(HOST(0)->gone);
    fake_client_expect(client, 2, "\"retryable\":true");
    fake_client_expect(client, 1, "\"retryable\":true");
    assert_int_equal(fakes.peers.census.counters.crashes, 0);
    fake_hosts_deinit(&fakes);
}

static void test_a_host_that_answers_what_it_was_not_asked_is_killed(void **state) {
    struct fake_client *client = begin("3.12", 1);
    fake_hosts_submit(&fakes, client, 1, "a");
    answer(0, 0, fake_host_expect(HOST(0), 0, "a").id + 17);
    assert_true(HOST(0)->gone);
    assert_int_equal(fakes.host_count, 3); /* one for the suspect, and one for the cleanup */
    fake_hosts_deinit(&fakes);
}

static void test_cache_misses_count_compiles_that_asked_the_cache(void **state) {
    struct fake_client *client = begin("3.12", 1);
    for (unsigned i = 1; i <= 3; i++) {
        struct job *job = fake_hosts_new_job(&fakes, client, i, "a", JOB_COMPILE);
        job->asks_cache = i != 2;
        pool_submit(fakes.pool, job);
        fake_hosts_turn(&fakes);
        fake_host_answer(&fakes, HOST(0), 0, fake_host_expect(HOST(0), 0, "a").id,
                         i == 3 ? "\"result\":{\"outcome\":\"cached\"}" : compiled);
    }
    assert_int_equal(fakes.peers.census.counters.compiled, 2);
    assert_int_equal(fakes.peers.census.counters.cached, 1);
    assert_int_equal(fakes.peers.census.counters.cache_misses, 1);
    fake_hosts_deinit(&fakes);
}

static void test_errors_that_the_cache_had_are_hits(void **state) {
    static const char *const answers[] = {"\"error\":{\"code\":-32001,\"message\":\"m\",\"data\":{\"cached\":true}}",
                                          "\"error\":{\"code\":-32001,\"message\":\"m\",\"data\":{\"file\":\"a\"}}",
                                          "\"error\":{\"code\":-32001,\"message\":\"m\"}"};
    struct fake_client *client = begin("3.12", 1);
    for (unsigned i = 0; i < 3; i++) {
        struct job *job = fake_hosts_new_job(&fakes, client, i, "a", JOB_COMPILE);
        job->asks_cache = i < 2;
        pool_submit(fakes.pool, job);
        fake_hosts_turn(&fakes);
        fake_host_answer(&fakes, HOST(0), 0, fake_host_expect(HOST(0), 0, "a").id, answers[i]);
    }
    assert_int_equal(fakes.peers.census.counters.compile_errors, 3);
    assert_int_equal(fakes.peers.census.counters.cached_errors, 1);
    assert_int_equal(fakes.peers.census.counters.cache_misses, 1);
    fake_hosts_deinit(&fakes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interpreters_with_a_gil_of_their_own_share_a_host),
        cmocka_unit_test(test_before_312_each_worker_is_a_host),
        cmocka_unit_test(test_a_busy_worker_gets_one_job_ahead),
        cmocka_unit_test(test_a_worker_with_a_long_job_gets_none_ahead),
        cmocka_unit_test(test_a_worker_that_was_passed_over_is_found_again),
        cmocka_unit_test(test_the_worker_that_was_busy_last_is_the_first_to_get_a_job),
        cmocka_unit_test(test_fast_jobs_are_given_eight_ahead),
        cmocka_unit_test(test_after_a_slow_job_there_are_two_again),
        cmocka_unit_test(test_connections_are_served_in_turn),
        cmocka_unit_test(test_no_prefetch_while_an_editor_is_at_work),
        cmocka_unit_test(test_interactive_goes_first_and_prefetch_comes_back),
        cmocka_unit_test(test_a_host_may_ask_for_a_pristine_process),
        cmocka_unit_test(test_pristine_hosts_are_as_many_as_workers_where_jobs_wait),
        cmocka_unit_test(test_a_few_exact_jobs_share_a_pristine_host),
        cmocka_unit_test(test_a_pristine_host_that_dies_loses_nothing),
        cmocka_unit_test(test_jobs_that_need_much_memory_run_one_after_the_other),
        cmocka_unit_test(test_a_cancelled_job_that_waits_is_freed),
        cmocka_unit_test(test_the_answer_of_a_cancelled_job_that_runs_is_discarded),
        cmocka_unit_test(test_jobs_of_a_client_that_goes_are_dropped),
        cmocka_unit_test(test_a_job_is_charged_for_its_parameters_and_their_copy),
        cmocka_unit_test(test_a_host_that_grew_is_replaced_between_jobs),
        cmocka_unit_test(test_a_host_of_a_replaced_python_is_replaced),
        cmocka_unit_test(test_a_python_that_changes_without_pause_is_given_up),
        cmocka_unit_test(test_an_idle_pool_shrinks_to_one_interpreter),
        cmocka_unit_test(test_draining_answers_what_waits_and_finishes_what_runs),
        cmocka_unit_test(test_draining_without_patience_kills_what_runs),
        cmocka_unit_test(test_a_host_that_answers_what_it_was_not_asked_is_killed),
        cmocka_unit_test(test_cache_misses_count_compiles_that_asked_the_cache),
        cmocka_unit_test(test_errors_that_the_cache_had_are_hits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
