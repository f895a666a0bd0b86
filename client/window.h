/* The open items of a batch: the state of each, the order in which they are sent, and the oldest one. Knows nothing
 * of connections. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most open items: a heavy item is found up to this far ahead of the oldest one. */
#define WINDOW_SIZE 8192

enum slot_state {
    SLOT_FREE,
    SLOT_WAITING, /* to be sent */
    SLOT_SENT,
    SLOT_DONE,
};

struct slot {
    enum slot_state state;
    unsigned attempts;
    uint64_t weight;
    void *tag; /* of the owner */
};

/* Slots [base, next) are open, each at its number modulo WINDOW_SIZE. */
struct window {
    struct slot slots[WINDOW_SIZE];
    int64_t base, next;
    size_t waiting, sent;
    int64_t light;             /* no waiting item without weight has a lower number than this */
    int64_t heap[WINDOW_SIZE]; /* waiting items with weight: a heap, the heaviest first */
    size_t heap_count;
};

struct slot *window_slot(struct window *window, int64_t number);

bool window_is_full(const struct window *window);

/* Opens an item. It waits, or is done if nothing is to be sent. */
void window_add(struct window *window, void *tag, uint64_t weight, bool asks);

/* Changes the state of an open item. */
void window_set(struct window *window, int64_t number, enum slot_state state);

/* The waiting item that is sent next: the heaviest of those with weight, else the oldest. -1 if none waits. */
int64_t window_pick(struct window *window);

/* Closes the oldest item, which must be done, and returns its tag. */
void *window_take(struct window *window);

/* Whether there is an oldest item that is done. */
bool window_has_done(struct window *window);
