/* A connection to a Redis or Valkey server, with a deadline for whatever is asked of it. hiredis speaks the protocol.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/remote_url.h"

/* More than this is not read: it cannot be an entry. */
#define REMOTE_VALUE_MAX ((size_t)64 << 20)

struct remote_link;

enum remote_answer {
    REMOTE_VALUE,   /* of a GET */
    REMOTE_NONE,    /* nothing is kept under the name */
    REMOTE_DONE,    /* a SET */
    REMOTE_REFUSED, /* the server says no; the connection is fine */
    REMOTE_BROKEN,  /* the connection is of no use any more */
};

struct remote_reply {
    enum remote_answer answer;
    const char *data; /* of a value; of what was refused, the reason, NUL-terminated */
    size_t len;
    void *owned;
};

/* Whether this build can speak to a remote tier, and by TLS. */
bool remote_link_is_supported(bool tls);

/* Connects, identifies and selects the database by the deadline (of clock_ms()). Looking up the host's
 * name may take longer. NULL with a message in *why, which the caller frees. */
struct remote_link *remote_link_open(const struct remote_url *url, int64_t deadline_ms, char **why);
struct remote_link *remote_link_close(struct remote_link *link);

/* Writes requests down; remote_link_send() sends all of them. */
void remote_link_get(struct remote_link *link, const char *name);
void remote_link_set(struct remote_link *link, const char *name, const void *value, size_t len);

/* False: the connection is broken; see remote_link_why(). */
bool remote_link_send(struct remote_link *link, int64_t deadline_ms);

/* The answer to the oldest request not yet answered, until remote_reply_free(). */
void remote_link_receive(struct remote_link *link, int64_t deadline_ms, struct remote_reply *answer);
void remote_reply_free(struct remote_reply *reply);

/* Why the connection is broken. */
const char *remote_link_why(const struct remote_link *link);
