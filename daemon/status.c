/* The names of the members are part of the protocol (proto/openrpc.json.in) and stay. */
#include "daemon/status.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/build_id.h"
#include "base/process_limits.h"
#include "daemon/server.h"
#include "proto/json.h"

static const char *const kind_names[] = {
    [HOST_SHARED] = "shared",
    [HOST_PRISTINE] = "pristine",
    [HOST_SOLO] = "solo",
};

static const char *const workers_by_names[] = {
    [WORKERS_BY_OPTION] = "option",
    [WORKERS_BY_AFFINITY] = "affinity",
    [WORKERS_BY_QUOTA] = "quota",
};

static const char *status_worker_state(const struct worker *worker) {
    switch (worker->state) {
    case WORKER_COLD:
        return "cold";
    case WORKER_STARTING:
        return "starting";
    case WORKER_READY:
        return worker->in_flight ? "busy" : "idle";
    case WORKER_ENDED:
        break;
    }
    return "ended";
}

static void status_add_host(cJSON *hosts, const struct host *host) {
    cJSON *item = cJSON_CreateObject();
    cJSON_AddItemToArray(hosts, item);
    cJSON_AddNumberToObject(item, "pid", host->process.pid);
    cJSON_AddStringToObject(item, "kind", kind_names[host->kind]);
    cJSON_AddNumberToObject(item, "rss_kb", (double)host_memory_kb(host));
    cJSON_AddBoolToObject(item, "retiring", host->retiring);
    cJSON *workers = cJSON_AddArrayToObject(item, "workers");
    for (unsigned i = 0; i < host->worker_count; i++) {
        cJSON *worker = cJSON_CreateObject();
        cJSON_AddItemToArray(workers, worker);
        cJSON_AddStringToObject(worker, "state", status_worker_state(&host->workers[i]));
        cJSON_AddNumberToObject(worker, "jobs", (double)host->workers[i].done);
    }
}

static void status_add_pool(cJSON *pythons, const struct pool *pool, bool is_default) {
    cJSON *item = cJSON_CreateObject();
    cJSON_AddItemToArray(pythons, item);
    cJSON_AddStringToObject(item, "python", pool->python);
    json_add_string_or_null(item, "version", pool->version);
    cJSON_AddStringToObject(item, "path", pool->program);
    json_add_string_or_null(item, "interpreter", pool->interpreter);
    cJSON_AddBoolToObject(item, "default", is_default);
    cJSON_AddNumberToObject(item, "queued", (double)queues_count(&pool->queues));
    cJSON_AddNumberToObject(item, "crashes", (double)pool->group.crashes);
    json_add_string_or_null(item, "failure", pool->starter.failed ? pool->starter.failure : NULL);
    cJSON *hosts = cJSON_AddArrayToObject(item, "hosts");
    list_each(link, &pool->group.hosts)
        status_add_host(hosts, list_entry(link, struct host, link));
}

static void status_add_queue(cJSON *status, const struct server *server) {
    cJSON *queue = cJSON_AddObjectToObject(status, "queue");
    for (int priority = 0; priority < PRIORITY_COUNT; priority++) {
        size_t count = 0;
        for (unsigned i = 0; i < server->pools.count; i++)
            count += queues_count_priority(&server->pools.items[i]->queues, (enum priority)priority);
        cJSON_AddNumberToObject(queue, schema_choice_name(priority_choices, priority), (double)count);
    }
}

static void status_add_counters(cJSON *status, const struct counters *c) {
    cJSON *item = cJSON_AddObjectToObject(status, "counters");
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {
        {"requests", c->requests},
        {"compiled", c->compiled},
        {"up_to_date", c->up_to_date},
        {"checked", c->checked},
        {"cached", c->cached},
        {"compile_errors", c->compile_errors},
        {"cached_errors", c->cached_errors},
        {"os_errors", c->os_errors},
        {"crashes", c->crashes},
        {"timeouts", c->timeouts},
        {"cancelled", c->cancelled},
        {"exact", c->exact},
        {"refused", c->refused},
        {"exact_names", c->exact_causes[RPC_EXACT_NAMES]},
        {"exact_interned", c->exact_causes[RPC_EXACT_INTERNED]},
        {"exact_warnings", c->exact_causes[RPC_EXACT_WARNINGS]},
        {"exact_options", c->exact_causes[RPC_EXACT_OPTIONS]},
        {"exact_errors", c->exact_causes[RPC_EXACT_ERRORS]},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cJSON_AddNumberToObject(item, all[i].name, (double)all[i].value);
}

static void status_add_remote(cJSON *cache, const struct server *server) {
    const struct remote_counts *counts = &server->remote->counts;
    cJSON *item = cJSON_AddObjectToObject(cache, "remote");
    cJSON_AddStringToObject(item, "url", server->options->remote.shown);
    cJSON_AddBoolToObject(item, "away", remote_state_is_away(server->remote));
    cJSON_AddNumberToObject(item, "hits", (double)counts->hits);
    cJSON_AddNumberToObject(item, "misses", (double)counts->misses);
    cJSON_AddNumberToObject(item, "stored", (double)counts->stored);
    cJSON_AddNumberToObject(item, "dropped", (double)counts->dropped);
    cJSON_AddNumberToObject(item, "refused", (double)counts->refused);
    cJSON_AddNumberToObject(item, "failures", (double)counts->failures);
}

static void status_add_cache(cJSON *status, const struct server *server) {
    const struct counters *counters = &server->census.counters;
    if (server->options->cache == NULL) {
        cJSON_AddNullToObject(status, "cache");
        return;
    }
    cJSON *item = cJSON_AddObjectToObject(status, "cache");
    cJSON_AddStringToObject(item, "folder", server->options->cache);
    cJSON_AddNumberToObject(item, "hits", (double)(counters->cached + counters->cached_errors));
    cJSON_AddNumberToObject(item, "misses", (double)counters->cache_misses);
    cJSON_AddNumberToObject(item, "bytes", (double)server->census.cache_bytes);
    if (server->remote != NULL)
        status_add_remote(item, server);
    else
        cJSON_AddNullToObject(item, "remote");
}

/* Limits that the daemon was started with and cannot raise. */
static void status_add_limits(cJSON *status) {
    cJSON *limits = cJSON_AddObjectToObject(status, "limits");
    struct process_limits own = {0};
    (void)process_limits_read(0, &own); /* a process may read its own */
    for (unsigned i = 0; i < PROCESS_LIMITS_COUNT; i++) {
        if (own.hard[i] != PROCESS_LIMITS_NONE)
            cJSON_AddNumberToObject(limits, process_limits_name(i), (double)own.hard[i]);
        else
            cJSON_AddNullToObject(limits, process_limits_name(i));
    }
    cJSON_AddNumberToObject(status, "nice", own.nice);
}

/* The minor versions of interpreters that requests can name. */
static void status_add_versions(cJSON *status, const struct host_programs *programs) {
    cJSON *versions = cJSON_AddArrayToObject(status, "interpreter_versions");
    for (unsigned i = 0; i < programs->object_count && programs->launcher != NULL; i++) {
        char *text = xasprintf("%u.%u", programs->objects[i].major, programs->objects[i].minor);
        cJSON_AddItemToArray(versions, cJSON_CreateString(text));
        free(text);
    }
}

cJSON *status_build(const struct server *server) {
    cJSON *status = cJSON_CreateObject();
    cJSON_AddStringToObject(status, "version", PYCOMPILED_VERSION);
    cJSON_AddStringToObject(status, "build", build_id);
    cJSON_AddNumberToObject(status, "pid", getpid());
    cJSON_AddBoolToObject(status, "replaceable", server->options->replaceable);
    json_add_string_or_null(status, "socket", server->listener.path);
    cJSON_AddNumberToObject(status, "uptime_s", (double)(uv_now(&server->loop) - server->started_ms) / 1000);
    cJSON_AddBoolToObject(status, "draining", server->census.draining);
    cJSON_AddStringToObject(status, "workers_by", workers_by_names[server->options->workers_by]);
    cJSON_AddNumberToObject(status, "workers_max", server->options->workers);
    cJSON_AddNumberToObject(status, "interpreters_max", server->pools.programs.launcher ? POOLS_INTERPRETERS_MAX : 0);
    status_add_versions(status, &server->pools.programs);
    cJSON *pythons = cJSON_AddArrayToObject(status, "pythons");
    for (unsigned i = 0; i < server->pools.count; i++)
        status_add_pool(pythons, server->pools.items[i], server->pools.items[i] == server->pools.fallback);
    cJSON_AddNumberToObject(status, "connections", server->census.connections);
    cJSON_AddNumberToObject(status, "connections_max", server->clients.limit);
    cJSON_AddNumberToObject(status, "jobs", server->census.jobs);
    cJSON_AddNumberToObject(status, "held_bytes", (double)connection_group_held(&server->clients));
    status_add_queue(status, server);
    status_add_counters(status, &server->census.counters);
    status_add_cache(status, server);
    status_add_limits(status);
    return status;
}
