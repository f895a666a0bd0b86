/* Recovery: what becomes of the jobs of a host that has gone.
 *
 * The job that ran is a suspect: it waits for a solo host. If that dies too, the job is answered with WorkerCrashed. A
 * job whose timeout the host was killed for is answered with Timeout. A job whose host another process killed, or the
 * daemon for a reason of its own, waits again like the jobs that had not begun. */
#pragma once

#include "daemon/pool/host.h"
#include "daemon/pool/queues.h"

/* Takes the jobs of a host that has gone: each is answered, or waits in `queues`. While the daemon drains, jobs that
 * would have to run again are answered with a retryable Unavailable; cleanups wait all the same. */
void recovery_take_jobs(struct host *host, struct queues *queues);
