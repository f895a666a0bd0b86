/* A new metric is a row of the table and a function that adds its samples. */
#include "daemon/metrics.h"

#include "base/build_id.h"
#include "daemon/server.h"
#include "proto/schema.h"

static const char *const outcome_names[OUTCOME_COUNT] = {
    [OUTCOME_CANCELLED] = "cancelled",     [OUTCOME_COMPILED] = "compiled", [OUTCOME_CACHED] = "cached",
    [OUTCOME_UPTODATE] = "uptodate",       [OUTCOME_CHECKED] = "checked",   [OUTCOME_FAILED] = "failed",
    [OUTCOME_OSERROR] = "oserror",         [OUTCOME_CRASHED] = "crashed",   [OUTCOME_TIMEOUT] = "timeout",
    [OUTCOME_UNAVAILABLE] = "unavailable",
};

static const char *const cause_names[RPC_EXACT_CAUSES] = {
    [RPC_EXACT_NAMES] = "names",     [RPC_EXACT_INTERNED] = "interned", [RPC_EXACT_WARNINGS] = "warnings",
    [RPC_EXACT_OPTIONS] = "options", [RPC_EXACT_ERRORS] = "errors",
};

/* Adds a sample; a label whose name is NULL is left out. */
static cJSON *metrics_add(cJSON *samples, const char *label, const char *text) {
    cJSON *sample = cJSON_CreateObject();
    cJSON *labels = cJSON_AddObjectToObject(sample, "labels");
    cJSON_AddItemToArray(samples, sample);
    if (label != NULL)
        cJSON_AddStringToObject(labels, label, text);
    return sample;
}

static void metrics_value(cJSON *samples, const char *label, const char *text, double value) {
    cJSON_AddNumberToObject(metrics_add(samples, label, text), "value", value);
}

static void metrics_up(cJSON *samples, const struct server *server) {
    metrics_value(samples, NULL, NULL, 1);
}

static void metrics_build_info(cJSON *samples, const struct server *server) {
    cJSON *sample = metrics_add(samples, "version", PYCOMPILED_VERSION);
    cJSON_AddStringToObject(cJSON_GetObjectItem(sample, "labels"), "build", build_id);
    cJSON_AddNumberToObject(sample, "value", 1);
}

static void metrics_uptime(cJSON *samples, const struct server *server) {
    metrics_value(samples, NULL, NULL, (double)(uv_now(&server->loop) - server->started_ms) / 1000);
}

static void metrics_jobs(cJSON *samples, const struct server *server) {
    for (int i = 0; i < OUTCOME_COUNT; i++)
        metrics_value(samples, "outcome", outcome_names[i], (double)server->census.outcomes[i].count);
}

static void metrics_histogram(cJSON *samples, const char *outcome, const struct histogram *histogram) {
    cJSON *sample = metrics_add(samples, "outcome", outcome), *buckets = cJSON_AddArrayToObject(sample, "buckets");
    uint64_t count = 0;
    for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++) {
        count += histogram->counts[i];
        const double bucket[] = {histogram_bound(i), (double)count};
        cJSON_AddItemToArray(buckets, cJSON_CreateDoubleArray(bucket, 2));
    }
    cJSON_AddNumberToObject(sample, "sum", (double)histogram->sum_ns / 1e9);
    cJSON_AddNumberToObject(sample, "count", (double)(count + histogram->counts[HISTOGRAM_BOUNDS]));
}

static void metrics_duration(cJSON *samples, const struct server *server) {
    for (int i = 0; i < OUTCOME_COUNT; i++)
        metrics_histogram(samples, outcome_names[i], &server->census.outcomes[i].work);
}

static void metrics_wait(cJSON *samples, const struct server *server) {
    for (int i = 0; i < OUTCOME_COUNT; i++)
        metrics_histogram(samples, outcome_names[i], &server->census.outcomes[i].wait);
}

static void metrics_queue(cJSON *samples, const struct server *server) {
    for (int priority = 0; priority < PRIORITY_COUNT; priority++) {
        size_t count = 0;
        for (unsigned i = 0; i < server->pools.count; i++)
            count += queues_count_priority(&server->pools.items[i]->queues, (enum priority)priority);
        metrics_value(samples, "priority", schema_choice_name(priority_choices, priority), (double)count);
    }
}

static void metrics_count_workers(const struct host *host, unsigned counts[4]) {
    for (unsigned i = 0; i < host->worker_count; i++) {
        const struct worker *worker = &host->workers[i];
        if (worker->state == WORKER_READY)
            counts[worker->in_flight ? 0 : 1]++;
        else if (worker->state == WORKER_STARTING || worker->state == WORKER_COLD)
            counts[worker->state == WORKER_STARTING ? 2 : 3]++;
    }
}

static void metrics_workers(cJSON *samples, const struct server *server) {
    static const char *const names[] = {"busy", "idle", "starting", "cold"};
    for (unsigned i = 0; i < server->pools.count; i++) {
        const struct pool *pool = server->pools.items[i];
        unsigned counts[4] = {0};
        list_each(link, &pool->group.hosts)
            metrics_count_workers(list_entry(link, struct host, link), counts);
        for (int state = 0; state < 4; state++) {
            cJSON *sample = metrics_add(samples, "python", pool->python);
            cJSON_AddStringToObject(cJSON_GetObjectItem(sample, "labels"), "state", names[state]);
            cJSON_AddNumberToObject(sample, "value", counts[state]);
        }
    }
}

static void metrics_workers_limit(cJSON *samples, const struct server *server) {
    metrics_value(samples, NULL, NULL, server->options->workers);
}

static void metrics_memory(cJSON *samples, const struct server *server) {
    for (unsigned i = 0; i < server->pools.count; i++) {
        const struct pool *pool = server->pools.items[i];
        double bytes = 0;
        list_each(link, &pool->group.hosts)
            bytes += (double)host_memory_kb(list_entry(link, struct host, link)) * 1024;
        metrics_value(samples, "python", pool->python, bytes);
    }
}

static void metrics_restarts(cJSON *samples, const struct server *server) {
    const struct counters *counters = &server->census.counters;
    metrics_value(samples, "reason", "crash", (double)counters->crashes);
    metrics_value(samples, "reason", "timeout", (double)counters->timeouts);
}

static void metrics_cache_bytes(cJSON *samples, const struct server *server) {
    if (server->options->cache != NULL)
        metrics_value(samples, NULL, NULL, (double)server->census.cache_bytes);
}

static void metrics_cache_limit(cJSON *samples, const struct server *server) {
    if (server->options->cache != NULL && server->options->cache_limit > 0)
        metrics_value(samples, NULL, NULL, (double)server->options->cache_limit);
}

static void metrics_lookups(cJSON *samples, const struct server *server) {
    const struct counters *c = &server->census.counters;
    metrics_value(samples, "tier", "local", (double)(c->cached + c->cached_errors + c->cache_misses));
    if (server->remote != NULL)
        metrics_value(samples, "tier", "remote", (double)(server->remote->counts.hits + server->remote->counts.misses));
}

static void metrics_hits(cJSON *samples, const struct server *server) {
    const struct counters *c = &server->census.counters;
    metrics_value(samples, "tier", "local", (double)(c->cached + c->cached_errors));
    if (server->remote != NULL)
        metrics_value(samples, "tier", "remote", (double)server->remote->counts.hits);
}

static void metrics_remote_errors(cJSON *samples, const struct server *server) {
    if (server->remote == NULL)
        return;
    metrics_value(samples, "kind", "failure", (double)server->remote->counts.failures);
    metrics_value(samples, "kind", "seal", (double)server->remote->counts.refused);
    metrics_value(samples, "kind", "dropped", (double)server->remote->counts.dropped);
}

static void metrics_remote_away(cJSON *samples, const struct server *server) {
    if (server->remote != NULL)
        metrics_value(samples, NULL, NULL, remote_state_is_away(server->remote));
}

static void metrics_exact(cJSON *samples, const struct server *server) {
    for (int i = 0; i < RPC_EXACT_CAUSES; i++)
        metrics_value(samples, "cause", cause_names[i], (double)server->census.counters.exact_causes[i]);
}

static void metrics_requests(cJSON *samples, const struct server *server) {
    metrics_value(samples, NULL, NULL, (double)server->census.counters.requests);
}

static void metrics_connections(cJSON *samples, const struct server *server) {
    metrics_value(samples, NULL, NULL, server->census.connections);
}

static void metrics_refused(cJSON *samples, const struct server *server) {
    metrics_value(samples, NULL, NULL, (double)server->census.counters.refused);
}

static const struct metric {
    const char *name, *type, *unit, *help;
    void (*add)(cJSON *samples, const struct server *server);
} metrics[] = {
    {"pycompiled_up", "gauge", "", "Whether a daemon runs", metrics_up},
    {"pycompiled_build_info", "gauge", "", "Version and build of the daemon", metrics_build_info},
    {"pycompiled_uptime_seconds", "gauge", "seconds", "Time since the daemon started", metrics_uptime},
    {"pycompiled_jobs", "counter", "", "Files by the way in which their compile or check ended", metrics_jobs},
    {"pycompiled_job_duration_seconds", "histogram", "seconds", "Time that a worker took for a file", metrics_duration},
    {"pycompiled_queue_wait_seconds", "histogram", "seconds", "Time from a request to the start of its file",
     metrics_wait},
    {"pycompiled_queue_length", "gauge", "", "Files that wait for a worker", metrics_queue},
    {"pycompiled_workers", "gauge", "", "Workers by state and Python", metrics_workers},
    {"pycompiled_workers_limit", "gauge", "", "The most workers of each Python", metrics_workers_limit},
    {"pycompiled_host_memory_bytes", "gauge", "bytes", "Resident memory of the hosts of a Python", metrics_memory},
    {"pycompiled_host_restarts", "counter", "", "Hosts that ended while they had work", metrics_restarts},
    {"pycompiled_cache_bytes", "gauge", "bytes", "Size of the cache, as last seen", metrics_cache_bytes},
    {"pycompiled_cache_limit_bytes", "gauge", "bytes", "Limit of the cache, where an option sets it",
     metrics_cache_limit},
    {"pycompiled_cache_lookups", "counter", "", "Questions to the cache", metrics_lookups},
    {"pycompiled_cache_hits", "counter", "", "Questions to the cache that it could answer", metrics_hits},
    {"pycompiled_remote_errors", "counter", "", "Failures of the remote tier, wrong seals, and entries not stored",
     metrics_remote_errors},
    {"pycompiled_remote_away", "gauge", "", "Whether the remote tier is left alone after failures",
     metrics_remote_away},
    {"pycompiled_exact", "counter", "", "Files that a fresh process compiled, for the sake of equal bytes",
     metrics_exact},
    {"pycompiled_requests", "counter", "", "Requests of all kinds", metrics_requests},
    {"pycompiled_connections", "gauge", "", "Clients that are connected", metrics_connections},
    {"pycompiled_connections_refused", "counter", "", "Connections refused or closed for a limit", metrics_refused},
};

cJSON *metrics_build(const struct server *server) {
    cJSON *tree = cJSON_CreateObject(), *families = cJSON_AddArrayToObject(tree, "families");
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        cJSON *family = cJSON_CreateObject();
        cJSON_AddItemToArray(families, family);
        cJSON_AddStringToObject(family, "name", metrics[i].name);
        cJSON_AddStringToObject(family, "type", metrics[i].type);
        cJSON_AddStringToObject(family, "unit", metrics[i].unit);
        cJSON_AddStringToObject(family, "help", metrics[i].help);
        metrics[i].add(cJSON_AddArrayToObject(family, "samples"), server);
    }
    return tree;
}
