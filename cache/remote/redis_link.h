/* A connection to a Redis or Valkey server, with a deadline for everything that is asked of it. hiredis speaks the
 * protocol.
 *
 * The server is not trusted. For each command only the types of reply that it can have are accepted. The length of a
 * reply is limited, and counted while the bytes come. A text of the server is handed on as it came. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/remote/redis_url.h"
#include "cache/remote/transport.h"

struct redis_link;

enum redis_link_answer {
    REDIS_LINK_VALUE,   /* to a GET: a value */
    REDIS_LINK_NONE,    /* to a GET: nothing is stored under the name */
    REDIS_LINK_DONE,    /* to a SET */
    REDIS_LINK_REFUSED, /* the server says no; the connection is fine */
    REDIS_LINK_BROKEN,  /* the connection is of no use any more */
};

struct redis_link_reply {
    enum redis_link_answer answer;
    const char *data; /* the value, or for REDIS_LINK_REFUSED the server's words, NUL-terminated and not quoted */
    size_t len;
    void *owned;
};

/* Whether this build can speak to a remote server, and by TLS. */
bool redis_link_is_supported(bool tls);

/* Connects, logs in and selects the database, by the deadline (of clock_ms()). Looking up the host's name may take
 * longer. NULL with a message in *why, which the caller frees. */
struct redis_link *redis_link_open(const struct redis_url *url, int64_t deadline_ms, char **why);

/* Takes NULL; returns NULL. */
struct redis_link *redis_link_close(struct redis_link *link);

/* Append one request to the output; redis_link_send() sends them. Every request gets one reply. */
void redis_link_get(struct redis_link *link, const char *name);
void redis_link_set(struct redis_link *link, const char *name, const void *value, size_t len);

/* Sends the output. Returns 0, or -EIO where the connection is broken: then redis_link_why() has the reason. */
int redis_link_send(struct redis_link *link, int64_t deadline_ms);

/* Receives the reply to the oldest request that has none yet, which was a SET or a GET. The reply is valid until
 * redis_link_reply_free(). */
void redis_link_receive(struct redis_link *link, bool set, int64_t deadline_ms, struct redis_link_reply *answer);
void redis_link_reply_free(struct redis_link_reply *reply);

/* The reason why the connection is broken, which may hold words of the server; valid until it is closed. */
const char *redis_link_why(const struct redis_link *link);
