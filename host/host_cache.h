/* The cache that the host's workers share. It is opened when it is first needed, so that a child of fork() opens its
 * own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/cache.h"

struct host_cache_setting {
    const char *folder; /* NULL: there is none */
    uint64_t limit;     /* bytes; 0: unchanged */
    bool silent;        /* do not report on stderr why it cannot be used: another host does */
    const char *python; /* the build of Python and the machine, or the release: part of the key */
    const char *remote; /* URL of the remote tier, or NULL */
    const char *remote_secret;
    int remote_state_fd; /* of cache/remote/state.h */
    unsigned remote_timeout_ms;
    bool remote_read_only;
};

/* Sets what the functions below use. Called before any thread is made; the strings must stay. */
void host_cache_configure(const struct host_cache_setting *setting);

/* The cache, opened at the first call, or NULL. */
struct cache *host_cache(void);

/* Whether it has a remote tier, or would have one if it were open. */
bool host_cache_has_remote(void);

/* The Python whose code it holds: a part of the key (cache/key.h). */
const char *host_cache_python(void);

/* cache_flush(), cache_rest() and cache_leave() of cache/cache.h, if the cache was ever used. */
void host_cache_flush(void);
void host_cache_rest(void);
void host_cache_leave(void);

/* Whether hits and misses are not yet in the store's counters, which `pycompilectl cache stats` shows.
 * host_cache_count() adds them. */
bool host_cache_has_counts(void);
void host_cache_count(void);

/* The bytes in it as last seen; 0 if it was never used. */
uint64_t host_cache_bytes(void);
