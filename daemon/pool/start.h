/* Starting a pool's hosts, and holding back where that fails.
 *
 * A failure that will repeat (no such program, a missing library, a host that reports what it lacks) makes the pool
 * hopeless at once: requests that need a new host are refused. A failure that may be over at the next attempt (a host
 * that was killed while it started, no free descriptor) is tried again for some seconds first. In both cases the time
 * between attempts doubles, and no attempt is made that no request asks for. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "daemon/pool/host.h"

struct starter {
    struct host_group *group;
    void (*retry)(struct starter *starter); /* the next attempt may be made: called when retry_at_ms has come */
    unsigned workers_per_host;              /* of a shared host */
    unsigned failed;                        /* starts in a row */
    uint64_t retry_at_ms;                   /* no host is started before */
    uv_timer_t timer;
    char *failure; /* the reason of the last failure, or NULL */
    bool hopeless; /* until retry_at_ms */
    bool shortage; /* the failure is for want of a resource that may be available again later */
};

/* `group` is borrowed. start_close() closes the timer, start_deinit() frees the rest. */
void start_init(struct starter *starter, struct host_group *group, unsigned workers_per_host,
                void (*retry)(struct starter *starter));
void start_close(struct starter *starter);
void start_deinit(struct starter *starter);

/* A start has failed for the reason `why`, which is taken. `again`: the next may succeed. */
void start_failed(struct starter *starter, char *why, bool again);

/* A host is gone; counts as a failed start if no interpreter came up in it. */
void start_judge_end(struct starter *starter, const struct host *host);

/* Forgets the failures so far: the next start runs another program. */
void start_reset(struct starter *starter);

/* An interpreter has come up. */
void start_succeeded(struct starter *starter);

/* Whether a job that needs a new host is to be refused, rather than to wait for one. */
bool start_is_hopeless(const struct starter *starter);

/* Starts a host, and the interpreter of its first worker. Returns NULL if that is not possible now. */
struct host *start_host(struct starter *starter, enum host_kind kind, unsigned workers);

/* Brings one more interpreter up: in a shared host that has a cold worker, else in another host. Returns whether one is
 * coming. */
bool start_worker(struct starter *starter);
