/* A ring of slots, and a heap of the heavy ones. */
#include "client/window.h"

#include <assert.h>

struct slot *window_slot(struct window *window, int64_t number) {
    return &window->slots[number % WINDOW_SIZE];
}

bool window_is_full(const struct window *window) {
    return window->next - window->base == WINDOW_SIZE;
}

static uint64_t weight_at(struct window *window, size_t place) {
    return window_slot(window, window->heap[place])->weight;
}

static void swap(struct window *window, size_t a, size_t b) {
    int64_t number = window->heap[a];
    window->heap[a] = window->heap[b];
    window->heap[b] = number;
}

static void heap_push(struct window *window, int64_t number) {
    size_t place = window->heap_count++;
    window->heap[place] = number;
    while (place > 0 && weight_at(window, place) > weight_at(window, (place - 1) / 2)) {
        swap(window, place, (place - 1) / 2);
        place = (place - 1) / 2;
    }
}

static void heap_pop(struct window *window) {
    size_t place = 0, child;
    swap(window, 0, --window->heap_count);
    while ((child = 2 * place + 1) < window->heap_count) {
        if (child + 1 < window->heap_count && weight_at(window, child + 1) > weight_at(window, child))
            child++;
        if (weight_at(window, place) >= weight_at(window, child))
            break;
        swap(window, place, child);
        place = child;
    }
}

static void count(struct window *window, enum slot_state state, int change) {
    if (state == SLOT_WAITING)
        window->waiting += (size_t)change;
    else if (state == SLOT_SENT)
        window->sent += (size_t)change;
}

static void start_waiting(struct window *window, int64_t number) {
    if (window_slot(window, number)->weight > 0)
        heap_push(window, number);
    else if (number < window->light)
        window->light = number;
}

void window_add(struct window *window, void *tag, uint64_t weight, bool asks) {
    assert(!window_is_full(window));
    int64_t number = window->next++;
    *window_slot(window, number) = (struct slot){.state = SLOT_DONE, .weight = weight, .tag = tag};
    if (asks)
        window_set(window, number, SLOT_WAITING);
}

void window_set(struct window *window, int64_t number, enum slot_state state) {
    struct slot *slot = window_slot(window, number);
    if (slot->state == state)
        return;
    if (slot->state == SLOT_WAITING && slot->weight > 0) {
        assert(window->heap[0] == number); /* it was picked by window_pick() */
        heap_pop(window);
    }
    count(window, slot->state, -1);
    count(window, state, 1);
    slot->state = state;
    if (state == SLOT_WAITING)
        start_waiting(window, number);
}

int64_t window_pick(struct window *window) {
    if (window->waiting == 0)
        return -1;
    if (window->heap_count > 0)
        return window->heap[0];
    if (window->light < window->base)
        window->light = window->base;
    while (window_slot(window, window->light)->state != SLOT_WAITING)
        window->light++;
    return window->light;
}

void *window_take(struct window *window) {
    struct slot *slot = window_slot(window, window->base);
    assert(window->base < window->next && slot->state == SLOT_DONE);
    void *tag = slot->tag;
    *slot = (struct slot){0};
    window->base++;
    return tag;
}

bool window_has_done(struct window *window) {
    return window->base < window->next && window_slot(window, window->base)->state == SLOT_DONE;
}
