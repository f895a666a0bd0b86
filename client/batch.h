/* Asks the daemon about any number of items over the run's connection: requests are pipelined, a request that a lost
 * daemon left unanswered is sent once more, and finished items are handed out in their order. Memory is bounded by the
 * window of open items, however many there are.
 *
 * The owner knows what an item is and what to ask about it: a `tag` stands for it here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "client/progress.h"
#include "client/run_link.h"
#include "proto/json.h"

enum batch_next {
    BATCH_ITEM,  /* *item is filled */
    BATCH_WAIT,  /* nothing there yet: fill() is called when source_fd becomes readable */
    BATCH_HOLD,  /* nothing before an open item is taken back */
    BATCH_LATER, /* work was done, but there is no item yet: next() is called again in the next turn */
    BATCH_END,
};

struct batch_item {
    void *tag;
    bool asks;       /* false: nothing is asked about it, it is just taken in its turn */
    uint64_t weight; /* the heaviest are asked first; those of weight 0 behind, in their order */
};

/* The raw text of result or error; the other's text is NULL. Valid during the call. */
struct batch_answer {
    struct json_span result;
    struct json_span error;
};

struct batch {
    struct run_link *link;
    struct progress *progress;
    int source_fd; /* polled while next() says BATCH_WAIT */
    int wake_fd;   /* ends the wait when it becomes readable; -1: none */
    void *context; /* for the functions below */

    enum batch_next (*next)(struct batch_item *item, void *context);
    /* Reads once from source_fd. Returns 0 or a negative errno value. NULL if next() never waits. */
    int (*fill)(void *context);
    /* Appends the parameters of the next `compile` request about an item; the same again if the answer was lost. */
    void (*ask)(void *tag, struct buffer *params, void *context);
    /* Takes an answer; answers come in any order. Returns whether there is more to ask about the item. */
    bool (*answered)(void *tag, const struct batch_answer *answer, void *context);
    /* Takes a finished item back, in order. Returns false to stop. */
    bool (*take)(void *tag, void *context);
    /* Takes an unfinished item back, at the end. */
    void (*drop)(void *tag, void *context);
    /* Called before waiting, and at the end: buffered output should be written. Returns false to
     * stop. */
    bool (*flush)(void *context);
    /* Draws the progress line, if it is time. `open` items are asked and unanswered; `oldest` (or NULL) is the first
     * item that is not yet taken. */
    void (*update)(size_t open, const void *oldest, void *context);
};

/* Runs to the end or until told to stop. Then nothing more is sent, and where requests are in flight the connection
 * closes, so that the daemon drops those that it has not begun. Returns 0, or a negative errno value with a message,
 * which the caller frees: no daemon can be reached, it hangs, or the source cannot be read. */
int batch_run(const struct batch *batch, char **why);
