/* Names of files are taken from the requests' own text, within the bound of recent_text(). */
#include "daemon/activity.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "daemon/server.h"
#include "proto/json.h"

/* The text is one of recent_text(). */
static void activity_add_text(cJSON *item, const char *name, const char *json) {
    const char *error;
    cJSON *text = json_parse_checked(json, strlen(json), &error);
    cJSON_AddItemToObject(item, name, text ? text : cJSON_CreateString("?"));
}

static void activity_add_job(cJSON *running, const struct pool *pool, const struct host *host,
                             const struct worker *worker) {
    const struct job *job = worker->jobs[0];
    char *file = recent_text(json_member(job->params, job->params_len, "file"));
    cJSON *item = cJSON_CreateObject();
    cJSON_AddItemToArray(running, item);
    cJSON_AddStringToObject(item, "python", pool->python);
    cJSON_AddNumberToObject(item, "pid", host->process.pid);
    cJSON_AddStringToObject(item, "method", job_method(job));
    activity_add_text(item, "file", file);
    cJSON_AddNumberToObject(item, "elapsed_ms", (double)(uv_hrtime() - worker->since_ns) / 1e6);
    cJSON_AddNumberToObject(item, "ahead", worker->in_flight - 1);
    free(file);
}

static void activity_add_host(cJSON *running, const struct pool *pool, const struct host *host) {
    for (unsigned i = 0; i < host->worker_count; i++)
        if (host->workers[i].in_flight > 0)
            activity_add_job(running, pool, host, &host->workers[i]);
}

static void activity_add_running(cJSON *tree, const struct server *server) {
    cJSON *running = cJSON_AddArrayToObject(tree, "running");
    for (unsigned i = 0; i < server->pools.count; i++)
        list_each(link, &server->pools.items[i]->group.hosts)
            activity_add_host(running, server->pools.items[i], list_entry(link, struct host, link));
}

static void activity_add_slow(cJSON *tree, const struct recent *recent) {
    cJSON *slowest = cJSON_AddArrayToObject(tree, "slowest");
    for (unsigned i = 0; i < RECENT_SLOW && recent->slow[i].file != NULL; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(slowest, item);
        activity_add_text(item, "file", recent->slow[i].file);
        cJSON_AddNumberToObject(item, "ms", (double)recent->slow[i].ns / 1e6);
    }
}

/* The latest first. */
static void activity_add_errors(cJSON *tree, const struct recent *recent) {
    cJSON *errors = cJSON_AddArrayToObject(tree, "errors");
    for (unsigned i = 0; i < RECENT_ERRORS; i++) {
        const struct recent_error *error = &recent->errors[(recent->last_error + RECENT_ERRORS - i) % RECENT_ERRORS];
        if (error->file == NULL)
            break;
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(errors, item);
        activity_add_text(item, "file", error->file);
        activity_add_text(item, "message", error->message);
        cJSON_AddNumberToObject(item, "age_s", (double)(uv_hrtime() - error->at_ns) / 1e9);
    }
}

cJSON *activity_build(const struct server *server) {
    cJSON *tree = cJSON_CreateObject();
    activity_add_running(tree, server);
    activity_add_slow(tree, &server->census.recent);
    activity_add_errors(tree, &server->census.recent);
    return tree;
}
