/* A connection to a Redis or Valkey server, with a deadline for everything that is asked of it. hiredis speaks the
 * protocol.
 *
 * The server is not trusted. For each command only the types of reply that it can have are accepted. The length of a
 * reply is limited, and counted while the bytes come. A text of the server is handed on as it came. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/remote_url.h"

/* The longest value, in bytes. A longer reply is not read. */
#define REMOTE_VALUE_MAX ((size_t)64 << 20)

struct remote_link;

enum remote_answer {
    REMOTE_VALUE,   /* to a GET: a value */
    REMOTE_NONE,    /* to a GET: nothing is stored under the name */
    REMOTE_DONE,    /* to a SET */
    REMOTE_REFUSED, /* the server says no; the connection is fine */
    REMOTE_BROKEN,  /* the connection is of no use any more */
};

struct remote_reply {
    enum remote_answer answer;
    const char *data; /* the value, or for REMOTE_REFUSED the server's words, NUL-terminated and not quoted */
    size_t len;
    void *owned;
};

/* Whether this build can speak to a remote server, and by TLS. */
bool remote_link_is_supported(bool tls);

/* Connects, logs in and selects the database, by the deadline (of clock_ms()). Looking up the host's name may take
 * longer. NULL with a message in *why, which the caller frees. */
struct remote_link *remote_link_open(const struct remote_url *url, int64_t deadline_ms, char **why);

/* Takes NULL; returns NULL. */
struct remote_link *remote_link_close(struct remote_link *link);

/* Append one request to the output; remote_link_send() sends them. Every request gets one reply. */
void remote_link_get(struct remote_link *link, const char *name);
void remote_link_set(struct remote_link *link, const char *name, const void *value, size_t len);

/* Sends the output. Returns 0, or -EIO where the connection is broken: then remote_link_why() has the reason. */
int remote_link_send(struct remote_link *link, int64_t deadline_ms);

/* Receives the reply to the oldest request that has none yet, which was a SET or a GET. The reply is valid until
 * remote_reply_free(). */
void remote_link_receive(struct remote_link *link, bool set, int64_t deadline_ms, struct remote_reply *answer);
void remote_reply_free(struct remote_reply *reply);

/* The reason why the connection is broken, which may hold words of the server; valid until it is closed. */
const char *remote_link_why(const struct remote_link *link);
