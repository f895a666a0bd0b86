/* The remote tier of the cache: entries that the machines of a farm share through a Redis or Valkey server.
 *
 * The remote tier holds up a compile for a limited time. Many lookups may be under way at once, and what waits for an
 * answer may ask for the next ones before. A lookup waits `timeout_ms` at most, whatever the server, the
 * network and the name service do. A server that misses this limit, or that costs more time than it saves, is left
 * alone for a while by all hosts of the daemon (remote_state.h). Entries are stored in the background.
 *
 * Two threads do the work, one for lookups and one for stores, each with a connection of its own. They are started when
 * they are first needed. Any thread may call any function. A child of fork() must make a remote tier of its own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "cache/remote/address.h"
#include "cache/remote/state.h"
#include "cache/store.h"

#define REMOTE_TIMEOUT_MS_DEFAULT 500

struct remote_setting {
    const struct remote_address *address; /* borrowed for ever */
    const char *secret;                   /* the farm's; copied in derived form */
    unsigned timeout_ms;
    bool read_only;             /* only lookups; nothing is stored */
    struct remote_state *state; /* borrowed for ever */
};

struct remote;

/* Makes a remote tier, which lives until the process ends. */
struct remote *remote_new(const struct remote_setting *setting);

/* A lookup under way. {0}: none. */
struct remote_ticket {
    struct remote_request *request;
    int64_t asked_ms;
};

/* Asks the server for the entry of the key, and does not wait for the answer. remote_take() or remote_forget() is due,
 * by the same thread; until then many tickets may be open. */
struct remote_ticket remote_ask(struct remote *remote, const struct store_key *key);

/* Whether remote_take() would wait. */
bool remote_is_waiting(const struct remote *remote, const struct remote_ticket *ticket);

/* Whether the server has an entry of the key; if so, appends it. Waits for the answer, until `timeout_ms` after it was
 * asked; a server that does not answer in time has none. The ticket is empty afterwards. */
bool remote_take(struct remote *remote, const struct store_key *key, struct remote_ticket *ticket,
                 struct buffer *entry);

/* Gives the lookup up. Takes an empty ticket, too. */
void remote_forget(struct remote *remote, struct remote_ticket *ticket);

/* Copies the entry and stores it later, in the background. It may be dropped; remote_counts.dropped counts that. */
void remote_put(struct remote *remote, const struct store_key *key, const void *entry, size_t len);

/* Waits until all entries that were put are stored, `ms` milliseconds at most. For a process that ends. */
void remote_drain(struct remote *remote, unsigned ms);
