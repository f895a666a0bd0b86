/* A start of a job or a host calls nobody: the owner acts on ends, and on clients that come. */
#include "daemon/census.h"

static void census_tell(struct census *census) {
    if (census->changed != NULL)
        census->changed(census);
}

uint64_t census_job_started(struct census *census) {
    census->jobs++;
    return ++census->last_job_id;
}

void census_job_ended(struct census *census) {
    census->jobs--;
    census_tell(census);
}

void census_outcome(struct census *census, enum outcome outcome, uint64_t wait_ns, uint64_t work_ns) {
    struct outcome_times *times = &census->outcomes[outcome];
    times->count++;
    histogram_add(&times->wait, wait_ns);
    histogram_add(&times->work, work_ns);
}

void census_host_started(struct census *census) {
    census->hosts++;
}

void census_host_ended(struct census *census) {
    census->hosts--;
    census_tell(census);
}

void census_host_start_failed(struct census *census) {
    census->start_failed = true;
    census_tell(census);
}

void census_connection_opened(struct census *census) {
    census->connections++;
    census_tell(census);
}

void census_connection_closed(struct census *census) {
    census->connections--;
    census_tell(census);
}

void census_language_server_started(struct census *census) {
    census->language_servers++;
    census_tell(census);
}

void census_language_server_ended(struct census *census) {
    census->language_servers--;
    census_tell(census);
}
