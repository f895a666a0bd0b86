/* Starting a pool's hosts, and holding back where that fails.
 *
 * What cannot work (a program that is not there, a library that is missing, a host that says what it lacks) is told to
 * every request at once. What may work the next time (a host that was killed while it started, no descriptor left) is
 * tried again for some seconds first. In both cases tries become rarer and rarer, and there are none that nobody asks
 * for. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "daemon/pool/host.h"

struct pool_start {
    unsigned failed;      /* starts in a row */
    uint64_t retry_at_ms; /* no host is started before */
    uv_timer_t timer;     /* dispatches then */
    char *failure;        /* why the last failed, or NULL */
    bool hopeless;        /* who needs a host that there is not is told so, until retry_at_ms */
    bool shortage;        /* it is for want of something that may be there again later */
};

void pool_start_init(struct pool_start *start, uv_loop_t *loop, struct pool *pool);
void pool_start_close(struct pool_start *start);
void pool_start_deinit(struct pool_start *start);

/* A start has failed; takes `why`. `again`: the next may do better. */
void pool_start_failed(struct pool *pool, char *why, bool again);

/* An interpreter has come up. */
void pool_start_succeeded(struct pool *pool);

/* Whether who needs a host that there is not need not wait for one. */
bool pool_start_is_hopeless(const struct pool *pool);

/* Starts a host, and the interpreter of its first worker. NULL where that cannot be now. */
struct host *pool_start_host(struct pool *pool, enum host_kind kind, unsigned workers);

/* Brings one more interpreter up: of a cold worker of a shared host there is, else of another host. Returns false where
 * that cannot be now. */
bool pool_start_worker(struct pool *pool);

/* What a host's end before an interpreter was up says of it; the caller frees. */
char *pool_start_describe(const struct host *host);
