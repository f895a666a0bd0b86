/* Asks the daemon about any number of items over the run's connection: requests are pipelined, a request that a lost
 * daemon left unanswered is sent once more, and finished items are handed out in their order. Memory is bounded by the
 * window of open items, however many there are, and by a limit on the output of items that wait for their turn.
 *
 * The owner knows the meaning of an item and what to ask about it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "client/names.h"
#include "client/progress.h"
#include "client/run_link.h"
#include "proto/json.h"

enum batch_next {
    BATCH_ITEM,  /* *item is filled */
    BATCH_WAIT,  /* nothing there yet: next() is called again when the names were read on */
    BATCH_HOLD,  /* nothing before an open item is taken back */
    BATCH_LATER, /* work was done, but there is no item yet: next() is called again in the next turn */
    BATCH_END,
};

/* An item; the owner embeds it in a structure of its own. */
struct batch_item {
    const char *name; /* for the progress line, or NULL */
    uint64_t weight;  /* bytes of its source, or 0: see window.h */
    bool asks;        /* false: nothing is asked about it, it is just taken in its turn */
    bool in_flight;   /* set for drop(): it was asked, and what became of that is unknown */
    size_t held;      /* bytes of output that the owner keeps for it, current after answered() */
};

/* The raw text of result or error; the other's text is NULL. Valid during the call. */
struct batch_answer {
    struct json_span result;
    struct json_span error;
};

/* The owner's functions; `context` is the batch's. */
struct batch_owner {
    enum batch_next (*next)(struct batch_item **item, void *context);
    /* Appends the parameters of the next `compile` request about an item; the same again if the answer was lost. */
    void (*ask)(struct batch_item *item, struct buffer *params, void *context);
    /* Takes an answer; answers come in any order. Returns whether there is more to ask about the item. */
    bool (*answered)(struct batch_item *item, const struct batch_answer *answer, void *context);
    /* All items before this one are taken back, and this one is asked or done: its output may begin. Called once for
     * each item that is taken. NULL: nothing to do. */
    void (*begin)(struct batch_item *item, void *context);
    /* Takes a finished item back, in order. Returns false to stop. */
    bool (*take)(struct batch_item *item, void *context);
    /* Takes an unfinished item back, at the end. */
    void (*drop)(struct batch_item *item, void *context);
    /* Called before waiting, and at the end: buffered output should be written, and the counts of the progress be
     * brought up to date. Returns false to stop. */
    bool (*flush)(void *context);
};

struct batch {
    struct run_link *link;
    struct progress *progress;
    struct names *names; /* read while next() says BATCH_WAIT; NULL if it never does */
    int wake_fd;         /* ends the work when it becomes readable; -1: none */
    const struct batch_owner *owner;
    void *context;
};

/* Runs to the end or until told to stop. Then nothing more is sent, and where requests are in flight the connection
 * closes, so that the daemon drops those that it has not begun. Returns 0, or a negative errno value with a message,
 * which the caller frees: no daemon can be reached, it hangs, or the source cannot be read.
 *
 * After a wake-up the daemon is asked to drop what it has not begun, and the rest is awaited for a moment. Then all
 * items that are done are taken back, so that the owner knows what was written, and the others are dropped. */
int batch_run(const struct batch *batch, char **why);
