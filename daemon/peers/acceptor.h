/* Accepting connections from the listening socket, also where descriptors run out. Then the client is told so, with the
 * one descriptor that is kept in reserve; where even that is not available, accepting pauses for a moment. (libuv's own
 * listener closes such connections without a message, and can spin.) */
#pragma once

#include <uv.h>

struct acceptor;

struct acceptor_events {
    /* A connection: the owner takes `fd`, which is non-blocking and close-on-exec. */
    void (*accepted)(struct acceptor *acceptor, int fd);
    /* A connection that cannot be kept: `fd` is to be closed before the call returns. */
    void (*overflow)(struct acceptor *acceptor, int fd);
};

struct acceptor {
    uv_poll_t poll;
    uv_timer_t retry;
    const struct acceptor_events *events;
    int fd;
    int reserve_fd; /* -1: none to be had */
};

/* Accepts from `fd`, a listening socket that it takes. Returns 0 or a negative libuv error; acceptor_close() is due in
 * both cases. */
int acceptor_init(struct acceptor *acceptor, uv_loop_t *loop, int fd, const struct acceptor_events *events);

/* Closes the socket; the handles are gone after the loop's next turn. */
void acceptor_close(struct acceptor *acceptor);
