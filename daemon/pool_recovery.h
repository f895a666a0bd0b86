/* What becomes of jobs whose host has gone (section 5 of the design). */
#pragma once

#include <stdbool.h>

#include "daemon/pool.h"

/* Answers every waiting job with Unavailable. */
void pool_fail_waiting(struct pool *pool, const char *reason, bool retryable);

/* Takes the jobs of a host that has gone: what it ran is suspect, or timed out, or has crashed it for the
 * second time; what it had not begun waits again. */
void pool_recover_jobs(struct host *host);

/* Says why a host could not be brought up; the caller frees. */
char *pool_describe_failure(const struct host *host);
