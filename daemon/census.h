/* The census: counts of the things that exist in the daemon now (jobs, hosts, connections, language servers, bytes held
 * for clients), and counters of what has happened since its start. The modules that create and end these things report
 * to it. The server, which acts on the counts (idle timer, end of draining), is called back. The census decides
 * nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/histogram.h"
#include "daemon/recent.h"
#include "proto/rpc.h"

/* Events since the start. */
struct counters {
    uint64_t requests;
    uint64_t compiled, up_to_date, checked, cached;
    uint64_t cache_misses; /* compiles and compile errors for which the host asked the cache in vain */
    uint64_t compile_errors, os_errors;
    uint64_t cached_errors; /* of compile_errors: those that the cache had */
    uint64_t crashes;       /* of hosts */
    uint64_t timeouts, cancelled;
    uint64_t exact;                          /* jobs that a pristine process ran */
    uint64_t exact_causes[RPC_EXACT_CAUSES]; /* jobs that a host has refused, by its reason */
    uint64_t refused; /* connections over the limit, and connections closed for the memory that they held */
};

/* How a compile or a check has ended. */
enum outcome {
    OUTCOME_CANCELLED, /* also: nobody waits for the answer any more */
    OUTCOME_COMPILED,
    OUTCOME_CACHED,
    OUTCOME_UPTODATE,
    OUTCOME_CHECKED,
    OUTCOME_FAILED, /* the source is in error */
    OUTCOME_OSERROR,
    OUTCOME_CRASHED,
    OUTCOME_TIMEOUT,
    OUTCOME_UNAVAILABLE,
    OUTCOME_COUNT,
};

/* Of all that have ended in the same way: `wait` from the request to its start, `work` from there to its end. */
struct outcome_times {
    uint64_t count;
    struct histogram wait, work;
};

struct census {
    unsigned jobs;             /* neither answered nor discarded yet */
    unsigned hosts;            /* not freed yet */
    unsigned connections;      /* with a handle that is not closed yet */
    unsigned language_servers; /* processes */
    size_t held;               /* bytes of jobs and gathered answers; the channels count their buffers themselves */
    uint64_t last_job_id;
    uint64_t cache_bytes; /* size of the cache, as a host reported it last */
    bool start_failed;    /* a host did not come up since the owner last looked */
    bool used;            /* a request that is no look at the daemon itself came since the daemon was idle last */
    bool draining;        /* the daemon takes no new work and leaves when the present work is done */
    struct counters counters;
    struct outcome_times outcomes[OUTCOME_COUNT];
    struct recent recent;
    void (*changed)(struct census *census); /* a count has changed that the owner may have to act on; or NULL */
};

/* Counts a job and returns an id that no other job has or had. */
uint64_t census_job_started(struct census *census);
void census_job_ended(struct census *census);

/* Counts the end of a compile or check. */
void census_outcome(struct census *census, enum outcome outcome, uint64_t wait_ns, uint64_t work_ns);

void census_host_started(struct census *census);
void census_host_ended(struct census *census);
void census_host_start_failed(struct census *census);

void census_connection_opened(struct census *census);
void census_connection_closed(struct census *census);

void census_language_server_started(struct census *census);
void census_language_server_ended(struct census *census);
