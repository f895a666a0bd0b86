/* Unit tests of client/window: the oldest item is sent first, but a heavy one before its turn where it is a large part
 * of what waits; items close in order; the window never overflows. */
#include "tests/unit/check.h"

#include "base/buffer.h"
#include "client/window.h"

#define KB ((uint64_t)1024)

/* An item of that part of the waiting weight is sent before its turn. */
static struct window *new_window(uint64_t parts) {
    struct window *window = xcalloc(1, sizeof(struct window));
    window->parts = parts;
    return window;
}

/* Picks and sends the next. */
static int64_t send_next(struct window *window) {
    int64_t number = window_pick(window);
    if (number >= 0)
        window_set(window, number, SLOT_SENT);
    return number;
}

static void test_heaviest_then_oldest(void **state) {
    struct window *window = new_window(1000);
    static const uint64_t weights[] = {0, 30 * KB, 0, 50 * KB, 40 * KB, 0};
    static const int64_t wanted[] = {3, 4, 1, 0, 2, 5};
    for (size_t i = 0; i < 6; i++)
        window_add(window, NULL, weights[i], true);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(send_next(window), wanted[i]);
    assert_int_equal(send_next(window), -1);
    assert_int_equal(window->sent, 6);
    free(window);
}

/* Far from the end the order is that of the items, near it a heavy one goes first. Of equal ones the older goes first.
 */
static void test_heavy_ones_near_the_end(void **state) {
    struct window *window = new_window(4);
    static const int64_t wanted[] = {0, 1, 2, 3, 6, 7, 4, 5, 8};
    for (size_t i = 0; i < 9; i++)
        window_add(window, NULL, i == 6 || i == 7 ? 30 * KB : 20 * KB, true);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(send_next(window), wanted[i]);
    assert_int_equal(window->waiting_weight, 0);
    assert_int_equal(window->heap_count, 0);
    free(window);
}

/* A heavy item that is sent in its turn leaves the heap from wherever it is. */
static void test_heavy_ones_in_their_turn(void **state) {
    enum { COUNT = 3 * WINDOW_SIZE };
    struct window *window = new_window(1);
    for (int64_t i = 0; i < COUNT; i++) {
        window_add(window, NULL, (uint64_t)(i * 7919 % 1009) * KB, true);
        if (i < WINDOW_SIZE - 1)
            continue;
        int64_t number = send_next(window);
        assert_int_equal(number, window->base);
        window_set(window, number, SLOT_DONE);
        window_take(window);
    }
    assert_int_equal(window->base, COUNT - WINDOW_SIZE + 1);
    free(window);
}

/* The first one that was sent and is not done, although an older one was sent later. */
static void test_first_sent(void **state) {
    struct window *window = new_window(1000);
    static const uint64_t weights[] = {0, 30 * KB, 40 * KB};
    for (size_t i = 0; i < 3; i++)
        window_add(window, NULL, weights[i], true);
    assert_int_equal(window_first_sent(window), -1);
    for (size_t i = 0; i < 3; i++)
        send_next(window);
    assert_int_equal(window_first_sent(window), 2);
    window_set(window, 2, SLOT_DONE);
    assert_int_equal(window_first_sent(window), 1);
    window_set(window, 1, SLOT_WAITING); /* lost, and sent again */
    send_next(window);
    assert_int_equal(window_first_sent(window), 0);
    free(window);
}

static void test_what_is_lost_waits_again(void **state) {
    struct window *window = new_window(1);
    for (int i = 0; i < 3; i++)
        window_add(window, NULL, 0, true);
    assert_int_equal(send_next(window), 0);
    assert_int_equal(send_next(window), 1);
    window_set(window, 0, SLOT_WAITING);
    assert_int_equal(send_next(window), 0);
    assert_int_equal(send_next(window), 2);
    free(window);
}

static void test_closed_in_order(void **state) {
    struct window *window = new_window(1000);
    char tags[3];
    window_add(window, &tags[0], 0, true);
    window_add(window, &tags[1], 0, false);
    window_add(window, &tags[2], 90 * KB, true);
    assert_int_equal(send_next(window), 2);
    assert_int_equal(send_next(window), 0);
    window_set(window, 2, SLOT_DONE);
    assert_false(window_has_done(window));
    window_set(window, 0, SLOT_DONE);
    for (int i = 0; i < 3; i++) {
        assert_true(window_has_done(window));
        assert_ptr_equal(window_take(window), &tags[i]);
    }
    assert_false(window_has_done(window));
    assert_int_equal(window->waiting + window->sent, 0);
    free(window);
}

/* Seeded: against the rule applied to a plain list. */
static void test_many_at_random(void **state) {
    enum { COUNT = 3 * WINDOW_SIZE };
    struct window *window = new_window((uint64_t)1 << 40);
    static uint64_t weights[COUNT];
    static bool is_sent[COUNT];
    unsigned seed = 7;
    int64_t added = 0, sent = 0;
    while (sent < COUNT) {
        seed = seed * 1103515245u + 12345u;
        if (added < COUNT && !window_is_full(window) && (seed >> 16) % 3 != 0) {
            weights[added] = (seed >> 20) % 4 == 0 ? (24 + (uint64_t)added * 7 % 1009) * KB : 0;
            window_add(window, NULL, weights[added++], true);
            continue;
        }
        int64_t number = send_next(window);
        if (number < 0)
            continue;
        assert_false(is_sent[number]);
        for (int64_t other = window->base; other < added && (seed >> 16) % 64 == 0; other++)
            if (!is_sent[other] && other != number)
                assert_true(weights[number] > 0 ? weights[number] >= weights[other]
                                                : weights[other] == 0 && other > number);
        is_sent[number] = true;
        sent++;
        window_set(window, number, SLOT_DONE);
        while (window_has_done(window))
            window_take(window);
    }
    assert_int_equal(window->base, COUNT);
    free(window);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heaviest_then_oldest),     cmocka_unit_test(test_heavy_ones_near_the_end),
        cmocka_unit_test(test_heavy_ones_in_their_turn), cmocka_unit_test(test_first_sent),
        cmocka_unit_test(test_what_is_lost_waits_again), cmocka_unit_test(test_closed_in_order),
        cmocka_unit_test(test_many_at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
