/* Unit tests of client/window: heavy items first, then the oldest; items close in order; the window never overflows. */
#include "tests/unit/check.h"

#include "base/buffer.h"
#include "client/window.h"

static struct window *new_window(void) {
    return xcalloc(1, sizeof(struct window));
}

/* Picks and sends the next. */
static int64_t send_next(struct window *window) {
    int64_t number = window_pick(window);
    if (number >= 0)
        window_set(window, number, SLOT_SENT);
    return number;
}

static void test_heaviest_then_oldest(void **state) {
    struct window *window = new_window();
    static const uint64_t weights[] = {0, 30, 0, 50, 40, 0};
    static const int64_t wanted[] = {3, 4, 1, 0, 2, 5};
    for (size_t i = 0; i < 6; i++)
        window_add(window, NULL, weights[i], true);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(send_next(window), wanted[i]);
    assert_int_equal(send_next(window), -1);
    assert_int_equal(window->sent, 6);
    free(window);
}

static void test_what_is_lost_waits_again(void **state) {
    struct window *window = new_window();
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
    struct window *window = new_window();
    char tags[3];
    window_add(window, &tags[0], 0, true);
    window_add(window, &tags[1], 0, false);
    window_add(window, &tags[2], 9, true);
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
    struct window *window = new_window();
    static uint64_t weights[COUNT];
    static bool is_sent[COUNT];
    unsigned seed = 7;
    int64_t added = 0, sent = 0;
    while (sent < COUNT) {
        seed = seed * 1103515245u + 12345u;
        if (added < COUNT && !window_is_full(window) && (seed >> 16) % 3 != 0) {
            weights[added] = (seed >> 20) % 4 == 0 ? (uint64_t)added * 7 % 1009 + 1 : 0;
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
        cmocka_unit_test(test_heaviest_then_oldest),
        cmocka_unit_test(test_what_is_lost_waits_again),
        cmocka_unit_test(test_closed_in_order),
        cmocka_unit_test(test_many_at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
