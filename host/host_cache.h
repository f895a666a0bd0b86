/* The cache that the host's workers share; opened when it is first needed, so that a child of fork() has its own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/cache.h"

struct host_cache_setting {
    const char *folder; /* NULL: there is none */
    uint64_t limit;     /* bytes; 0: as it was */
    bool silent;        /* others say on stderr why it cannot be used */
    const char *python; /* which build for which machine: what it compiles, another one may not */
    const char *remote; /* URL of the remote tier, or NULL */
    const char *remote_secret;
    int remote_state_fd; /* see cache/remote_state.h */
    unsigned remote_timeout_ms;
    bool remote_read_only;
};

/* Before any thread is made. */
void host_cache_configure(const struct host_cache_setting *setting);

/* The cache, or NULL. */
struct cache *host_cache(void);

/* Which Python's code is in it; see cache/key.h. */
const char *host_cache_python(void);

/* Writes what waits to be written, if the cache was ever used. */
void host_cache_flush(void);
void host_cache_rest(void);
void host_cache_leave(void);

/* Bytes in it as last seen; 0 where it was never used. */
uint64_t host_cache_bytes(void);
