/* A ring of slots, and a heap of the heavy ones. */
#include "client/window.h"

#include <assert.h>

struct slot *window_slot(struct window *window, int64_t number) {
    return &window->slots[number % WINDOW_SIZE];
}

bool window_is_full(const struct window *window) {
    return window->next - window->base == WINDOW_SIZE;
}

/* Whether item a comes before item b. */
static bool heap_is_before(struct window *window, int64_t a, int64_t b) {
    uint64_t weight = window_slot(window, a)->weight, other = window_slot(window, b)->weight;
    return weight > other || (weight == other && a < b);
}

static void heap_put(struct window *window, size_t place, int64_t number) {
    window->heap[place] = number;
    window_slot(window, number)->place = place;
}

/* Puts the item at that place or further up. */
static void heap_rise(struct window *window, size_t place, int64_t number) {
    for (; place > 0 && heap_is_before(window, number, window->heap[(place - 1) / 2]); place = (place - 1) / 2)
        heap_put(window, place, window->heap[(place - 1) / 2]);
    heap_put(window, place, number);
}

/* Puts the item at that place or further down. */
static void heap_sink(struct window *window, size_t place, int64_t number) {
    size_t child;
    while ((child = 2 * place + 1) < window->heap_count) {
        if (child + 1 < window->heap_count && heap_is_before(window, window->heap[child + 1], window->heap[child]))
            child++;
        if (heap_is_before(window, number, window->heap[child]))
            break;
        heap_put(window, place, window->heap[child]);
        place = child;
    }
    heap_put(window, place, number);
}

static void heap_remove(struct window *window, size_t place) {
    int64_t last = window->heap[--window->heap_count];
    if (place == window->heap_count)
        return;
    if (place > 0 && heap_is_before(window, last, window->heap[(place - 1) / 2]))
        heap_rise(window, place, last);
    else
        heap_sink(window, place, last);
}

static void stop_waiting(struct window *window, const struct slot *slot) {
    window->waiting--;
    window->waiting_weight -= slot->weight;
    if (slot->weight >= WINDOW_HEAVY)
        heap_remove(window, slot->place);
}

static void start_waiting(struct window *window, int64_t number) {
    const struct slot *slot = window_slot(window, number);
    window->waiting++;
    window->waiting_weight += slot->weight;
    if (number < window->oldest)
        window->oldest = number;
    if (slot->weight >= WINDOW_HEAVY)
        heap_rise(window, window->heap_count++, number);
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
    if (slot->state == SLOT_WAITING)
        stop_waiting(window, slot);
    else if (slot->state == SLOT_SENT)
        window->sent--;
    slot->state = state;
    if (state == SLOT_WAITING)
        start_waiting(window, number);
    if (state == SLOT_SENT) {
        window->sent++;
        slot->order = ++window->sendings;
    }
}

int64_t window_pick(struct window *window) {
    if (window->waiting == 0)
        return -1;
    if (window->parts > 0 && window->heap_count > 0) {
        uint64_t heaviest = window_slot(window, window->heap[0])->weight;
        if (heaviest >= window->waiting_weight / window->parts)
            return window->heap[0];
    }
    if (window->oldest < window->base)
        window->oldest = window->base;
    while (window_slot(window, window->oldest)->state != SLOT_WAITING)
        window->oldest++;
    return window->oldest;
}

int64_t window_first_sent(struct window *window) {
    int64_t first = -1;
    for (int64_t i = window->base; window->sent > 0 && i < window->next; i++) {
        const struct slot *slot = window_slot(window, i);
        if (slot->state == SLOT_SENT && (first < 0 || slot->order < window_slot(window, first)->order))
            first = i;
    }
    return first;
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
