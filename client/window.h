/* The open items of a batch: the state of each, the order in which they are sent, and the oldest one. Knows nothing
 * of connections. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most open items: a heavy item is found up to this far ahead of the oldest one. */
#define WINDOW_SIZE 8192

/* Items that weigh less are never sent before their turn: none of them keeps a worker busy for long. */
#define WINDOW_HEAVY ((uint64_t)24 << 10)

enum slot_state {
    SLOT_FREE,
    SLOT_WAITING, /* to be sent */
    SLOT_SENT,
    SLOT_DONE,
};

struct slot {
    enum slot_state state;
    unsigned attempts;
    uint64_t weight; /* of its source in bytes, or 0 */
    uint64_t order;  /* of all items that were sent, the latest one has the highest */
    size_t place;    /* in the heap, while it waits and is heavy */
    void *tag;       /* of the owner */
};

/* Slots [base, next) are open, each at its number modulo WINDOW_SIZE. */
struct window {
    struct slot slots[WINDOW_SIZE];
    int64_t base, next;
    size_t waiting, sent;
    uint64_t parts;            /* an item goes before its turn if it weighs this part of what waits; 0: none does */
    uint64_t waiting_weight;   /* of all waiting items */
    uint64_t sendings;         /* so far */
    int64_t oldest;            /* no waiting item has a lower number than this */
    int64_t heap[WINDOW_SIZE]; /* waiting heavy items, the heaviest first, of equal ones the oldest */
    size_t heap_count;
};

struct slot *window_slot(struct window *window, int64_t number);

bool window_is_full(const struct window *window);

/* Opens an item. It waits, or is done if nothing is to be sent. */
void window_add(struct window *window, void *tag, uint64_t weight, bool asks);

/* Changes the state of an open item. */
void window_set(struct window *window, int64_t number, enum slot_state state);

/* The waiting item that is sent next, or -1 if none waits. Items are sent in their order, so that they are finished in
 * it and little output waits; but a heavy item that has a large share of all the work that is left is sent before its
 * turn, or one worker would be alone with it at the end. */
int64_t window_pick(struct window *window);

/* The item that was sent first of all that are sent and not done, or -1. Looks at all open items. */
int64_t window_first_sent(struct window *window);

/* Closes the oldest item, which must be done, and returns its tag. */
void *window_take(struct window *window);

/* Whether there is an oldest item that is done. */
bool window_has_done(struct window *window);
