/* A stand-in for client/lsp/daemon_link.c: it keeps the calls of a session, and the test answers them. It connects to
 * nothing. */
#pragma once

#include "client/lsp/daemon_link.h"

/* A call that is not answered yet. Its params are JSON text. */
struct fake_call {
    struct list link;
    int64_t id;
    const char *method;
    struct buffer params;
    daemon_done *done;
    void *context;
};

/* How many calls are not answered. */
size_t fake_daemon_pending(const struct daemon_link *link);

/* The oldest call that is not answered, or NULL. */
struct fake_call *fake_daemon_oldest(const struct daemon_link *link);

/* Answers the oldest call: with the JSON text of a result or an error, or with the reason that there is no daemon.
 * Exactly one is not NULL. */
void fake_daemon_answer(struct daemon_link *link, const char *result, const char *error, const char *why);
