/* One list for each number of jobs. A worker without room is removed from its list when a search meets it: it has room
 * again only after its next answer, and roster_update() lists it then. */
#include "daemon/pool/roster.h"

/* A worker that has run its job for longer than this gets no job ahead, since that would have to wait. */
#define PREFETCH_RUNNING_MAX_MS 200

void roster_init(struct roster *roster, const struct host_group *group) {
    *roster = (struct roster){.group = group};
    for (int kind = 0; kind <= HOST_SOLO; kind++)
        for (int jobs = 0; jobs < WORKER_JOBS; jobs++)
            list_init(&roster->room[kind][jobs]);
}

static void roster_count_host(struct roster *roster, const struct host *host) {
    for (unsigned i = 0; i < host->worker_count; i++) {
        roster->live += host->workers[i].state == WORKER_READY || host->workers[i].state == WORKER_STARTING;
        roster->starting += host->workers[i].state == WORKER_STARTING;
    }
}

void roster_count(struct roster *roster) {
    const struct host_group *group = roster->group;
    if (roster->counted == group->changes)
        return;
    roster->counted = group->changes;
    roster->live = roster->starting = 0;
    list_each(link, &group->hosts) {
        const struct host *host = list_entry(link, struct host, link);
        if (host->kind == HOST_SHARED && !host->retiring)
            roster_count_host(roster, host);
    }
}

void roster_update(struct roster *roster, struct worker *worker) {
    list_remove(&worker->room);
    if (worker->in_flight == 0 && worker->done > 0)
        list_prepend(&roster->room[worker->host->kind][0], &worker->room);
    else if (worker->in_flight < WORKER_JOBS)
        list_append(&roster->room[worker->host->kind][worker->in_flight], &worker->room);
}

void roster_remove_host(struct host *host) {
    for (unsigned i = 0; i < host->worker_count; i++)
        list_remove(&host->workers[i].room);
}

static bool roster_has_room(const struct worker *worker, uint64_t now_ms) {
    if (worker->state != WORKER_READY || worker->host->retiring)
        return false;
    return worker->in_flight == 0 ||
           (now_ms - worker->since_ms < PREFETCH_RUNNING_MAX_MS && worker->in_flight < worker_depth(worker));
}

struct worker *roster_find(struct roster *roster, enum host_kind kind, unsigned in_flight, uint64_t now_ms) {
    struct list *room = &roster->room[kind][in_flight];
    while (!list_empty(room)) {
        struct worker *worker = list_entry(room->next, struct worker, room);
        if (roster_has_room(worker, now_ms))
            return worker;
        list_remove(&worker->room);
    }
    return NULL;
}
