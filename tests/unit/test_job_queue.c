/* Unit tests of daemon/pool/job_queue: the order in which jobs are run. */
#include "tests/unit/check.h"

#include "daemon/pool/job_queue.h"

/* Owners are compared by address alone. */
static char owners[3];
#define OWNER(i) ((struct connection *)(void *)&owners[i])

static struct job jobs[64];

static struct job *add(struct job_queue *queue, unsigned id, int owner, enum priority priority) {
    jobs[id] = (struct job){.id = id, .client = OWNER(owner), .priority = priority};
    list_init(&jobs[id].link);
    job_queue_push(queue, &jobs[id]);
    return &jobs[id];
}

static void expect_order(struct job_queue *queue, const unsigned *ids, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct job *job = job_queue_pop(queue);
        assert_non_null(job);
        assert_int_equal(job->id, ids[i]);
        assert_true(list_empty(&job->link));
    }
    assert_null(job_queue_pop(queue));
    assert_int_equal(job_queue_count(queue), 0);
}
#define EXPECT(queue, ...)                                                                                             \
    expect_order(queue, (const unsigned[]){__VA_ARGS__}, sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned))

static void test_one_owner_in_order(void **state) {
    struct job_queue queue;
    job_queue_init(&queue);
    for (unsigned i = 0; i < 5; i++)
        add(&queue, i, 0, PRIORITY_NORMAL);
    assert_int_equal(job_queue_count(&queue), 5);
    EXPECT(&queue, 0, 1, 2, 3, 4);
}

static void test_round_robin(void **state) {
    struct job_queue queue;
    job_queue_init(&queue);
    for (unsigned i = 0; i < 4; i++)
        add(&queue, i, 0, PRIORITY_NORMAL);
    add(&queue, 10, 1, PRIORITY_NORMAL);
    add(&queue, 11, 1, PRIORITY_NORMAL);
    add(&queue, 20, 2, PRIORITY_NORMAL);
    EXPECT(&queue, 0, 10, 20, 1, 11, 2, 3);
}

static void test_priorities(void **state) {
    struct job_queue queue;
    job_queue_init(&queue);
    add(&queue, 0, 0, PRIORITY_BACKGROUND);
    add(&queue, 1, 0, PRIORITY_NORMAL);
    add(&queue, 2, 1, PRIORITY_INTERACTIVE);
    add(&queue, 3, 0, PRIORITY_INTERACTIVE);
    add(&queue, 4, 1, PRIORITY_NORMAL);
    EXPECT(&queue, 2, 3, 1, 4, 0);
}

static void test_front(void **state) {
    struct job_queue queue;
    job_queue_init(&queue);
    add(&queue, 0, 0, PRIORITY_NORMAL);
    add(&queue, 1, 1, PRIORITY_NORMAL);
    jobs[2] = (struct job){.id = 2, .client = OWNER(1), .priority = PRIORITY_NORMAL};
    list_init(&jobs[2].link);
    job_queue_push_front(&queue, &jobs[2]);
    add(&queue, 3, 1, PRIORITY_NORMAL);
    EXPECT(&queue, 2, 0, 1, 3);
}

static void test_remove(void **state) {
    struct job_queue queue;
    job_queue_init(&queue);
    struct job *only = add(&queue, 0, 0, PRIORITY_NORMAL);
    job_queue_remove(&queue, only);
    assert_int_equal(job_queue_count(&queue), 0);
    add(&queue, 1, 0, PRIORITY_NORMAL);
    struct job *middle = add(&queue, 2, 0, PRIORITY_NORMAL);
    add(&queue, 3, 0, PRIORITY_NORMAL);
    job_queue_remove(&queue, middle);
    EXPECT(&queue, 1, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_owner_in_order),
        cmocka_unit_test(test_round_robin),
        cmocka_unit_test(test_priorities),
        cmocka_unit_test(test_front),
        cmocka_unit_test(test_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
