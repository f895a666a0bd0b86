/* What becomes of jobs whose host has gone (section 5 of the design). */
#pragma once

#include <stdbool.h>

#include "daemon/pool/pool.h"

/* Answers every job that waits for a host of that kind with Unavailable. */
void pool_fail_waiting(struct pool *pool, enum host_kind kind, const char *reason, bool retryable);

/* Gives up what is to be removed still; it is logged. */
void pool_drop_cleanups(struct pool *pool);

/* Takes the jobs of a host that has gone: what it ran is suspect, or timed out, or has crashed it for the
 * second time; what it had not begun waits again. */
void pool_recover_jobs(struct host *host);
