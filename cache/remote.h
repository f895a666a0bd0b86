/* The remote tier of the cache: entries that a farm's machines share by a Redis or Valkey server.
 *
 * It never holds up a compile for long: a question waits for its answer for so many milliseconds at most, whatever the
 * server, the network or the name service do; after that, or after having cost more than it is worth, the server is
 * left alone for a while by all hosts of the daemon (remote_state.h). What is stored is stored in the background.
 *
 * Two threads, made when they are first needed, do it: one asks, one stores, each on its own connection. Any thread
 * may call any function. A child of fork() must make its own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "cache/remote_state.h"
#include "cache/remote_url.h"
#include "cache/store.h"

#define REMOTE_TIMEOUT_MS_DEFAULT 500

struct remote_setting {
    const struct remote_url *url; /* kept */
    const char *secret;
    unsigned timeout_ms;
    bool read_only;             /* nothing is stored */
    struct remote_state *state; /* kept */
};

struct remote;

struct remote *remote_new(const struct remote_setting *setting);

/* Appends the entry of the key. False: it has none, or does not answer. */
bool remote_get(struct remote *remote, const struct store_key *key, struct buffer *entry);

/* Has an entry stored, some time. */
void remote_put(struct remote *remote, const struct store_key *key, const void *entry, size_t len);

/* Waits until all that was put is stored, or so long. For before the process ends: there is no other end to it. */
void remote_drain(struct remote *remote, unsigned ms);
