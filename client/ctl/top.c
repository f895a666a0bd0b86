/* pycompilectl top: what the daemon does, on a full screen. Rates are those since the picture before. */
#include "client/ctl/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/ctl/screen.h"
#include "proto/json.h"

static const char help[] =
    "usage: pycompilectl top [-h]\n"
    "\n"
    "Show what the daemon does: workers and their files, queue, rate, hits of the cache, the slowest\n"
    "files and the latest errors. 'q' ends it.\n"
    "\n"
    "options:\n"
    "  -h, --help  show this help message and exit\n";

#define PERIOD_MS 1000

/* What the picture before has shown. */
struct top_counts {
    int64_t at_ms;
    double done, hits, lookups;
    double pid;
};

static const cJSON *top_member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *top_text(const cJSON *object, const char *name) {
    const char *text = json_get_string(object, name);
    return text ? text : "?";
}

static double top_sum(const cJSON *object) {
    double sum = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
        sum += cJSON_IsNumber(item) ? item->valuedouble : 0;
    return sum;
}

static struct top_counts top_count(const cJSON *status) {
    static const char *const ends[] = {"compiled",  "up_to_date", "checked",  "cached",   "compile_errors",
                                       "os_errors", "crashes",    "timeouts", "cancelled"};
    const cJSON *counters = top_member(status, "counters"), *cache = top_member(status, "cache");
    struct top_counts counts = {.at_ms = clock_ms(), .pid = json_get_number(status, "pid", 0)};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        counts.done += json_get_number(counters, ends[i], 0);
    counts.hits = json_get_number(cache, "hits", 0);
    counts.lookups = counts.hits + json_get_number(cache, "misses", 0);
    return counts;
}

/* Numbers of all the time, and of the last period where there is one. */
static void top_draw_rates(struct screen *screen, const struct top_counts *before, const struct top_counts *now) {
    double seconds = (double)(now->at_ms - before->at_ms) / 1000;
    bool comparable = before->at_ms != 0 && before->pid == now->pid && seconds > 0;
    char *hits = now->lookups > 0 ? xasprintf("%.1f %%", 100 * now->hits / now->lookups) : xstrdup("-");
    double asked = now->lookups - before->lookups;
    char *lately =
        comparable && asked > 0 ? xasprintf(", now %.1f %%", 100 * (now->hits - before->hits) / asked) : xstrdup("");
    screen_line(screen, false, "files      %.0f done, %.1f a second   cache hits %s%s", now->done,
                comparable ? (now->done - before->done) / seconds : 0, hits, lately);
    free(hits);
    free(lately);
}

static void top_draw_head(struct screen *screen, const cJSON *status) {
    const cJSON *queue = top_member(status, "queue");
    double up = json_get_number(status, "uptime_s", 0);
    screen_line(screen, true, "pycompiled %s  pid %.0f  up %.0f s%s", top_text(status, "version"),
                json_get_number(status, "pid", 0), up, json_get_bool(status, "draining") ? "  shutting down" : "");
    screen_line(screen, false, "clients    %.0f connected, %.0f jobs open", json_get_number(status, "connections", 0),
                json_get_number(status, "jobs", 0));
    screen_line(screen, false, "queue      %.0f: %.0f interactive, %.0f normal, %.0f background", top_sum(queue),
                json_get_number(queue, "interactive", 0), json_get_number(queue, "normal", 0),
                json_get_number(queue, "background", 0));
}

static void top_draw_pythons(struct screen *screen, const cJSON *status) {
    const cJSON *python, *host;
    cJSON_ArrayForEach(python, top_member(status, "pythons")) {
        unsigned hosts = 0, workers = 0;
        double memory_kb = 0;
        cJSON_ArrayForEach(host, top_member(python, "hosts")) {
            hosts++;
            workers += (unsigned)cJSON_GetArraySize(top_member(host, "workers"));
            memory_kb += json_get_number(host, "rss_kb", 0);
        }
        if (hosts > 0)
            screen_line(screen, false, "%-10s %u workers in %u processes, %.1f MB", top_text(python, "python"), workers,
                        hosts, memory_kb / 1024);
    }
}

static void top_draw_running(struct screen *screen, const cJSON *activity) {
    const cJSON *item, *running = top_member(activity, "running");
    screen_line(screen, false, "%s", "");
    screen_line(screen, true, "NOW%s", running && running->child ? "" : "  nothing is being compiled");
    cJSON_ArrayForEach(item, running)
        screen_line(screen, false, "%9.0f ms  %-5s  %s", json_get_number(item, "elapsed_ms", 0),
                    top_text(item, "python"), top_text(item, "file"));
}

static void top_draw_past(struct screen *screen, const cJSON *activity) {
    const cJSON *item, *slowest = top_member(activity, "slowest"), *errors = top_member(activity, "errors");
    screen_line(screen, false, "%s", "");
    screen_line(screen, true, "SLOWEST");
    cJSON_ArrayForEach(item, slowest)
        screen_line(screen, false, "%9.1f ms  %s", json_get_number(item, "ms", 0), top_text(item, "file"));
    screen_line(screen, false, "%s", "");
    screen_line(screen, true, "ERRORS");
    cJSON_ArrayForEach(item, errors)
        screen_line(screen, false, "%6.0f s ago  %s: %s", json_get_number(item, "age_s", 0), top_text(item, "file"),
                    top_text(item, "message"));
}

/* Asks and draws. Returns 0, or -ENOTCONN where no daemon answers. */
static int top_draw(struct screen *screen, struct rpc_client *client, struct top_counts *before) {
    char *why = NULL;
    cJSON *status = rpc_client_call(client, "status", NULL, clock_ms() + CTL_DEADLINE_MS, &why), *activity = NULL;
    if (status != NULL)
        activity = rpc_client_call(client, "activity", NULL, clock_ms() + CTL_DEADLINE_MS, &why);
    if (activity != NULL) {
        struct top_counts now = top_count(status);
        screen_begin(screen);
        top_draw_head(screen, status);
        top_draw_rates(screen, before, &now);
        top_draw_pythons(screen, status);
        top_draw_running(screen, activity);
        top_draw_past(screen, activity);
        screen_show(screen);
        *before = now;
    }
    int result = activity != NULL ? 0 : -ENOTCONN;
    free(why);
    cJSON_Delete(status);
    cJSON_Delete(activity);
    return result;
}

static void top_draw_absent(struct screen *screen) {
    screen_begin(screen);
    screen_line(screen, true, "pycompiled is not running");
    screen_line(screen, false, "The next client starts it, or: pycompilectl start");
    screen_show(screen);
}

/* Draws until 'q'; looks for a daemon again where there is none. */
static void top_run(struct screen *screen, const char *path) {
    struct rpc_client client;
    struct top_counts before = {0};
    bool connected = false;
    int key = 0;
    while (key != 'q' && key >= 0) {
        if (!connected)
            connected = ctl_connect(&client, path) > 0;
        if (connected && top_draw(screen, &client, &before) < 0) {
            rpc_client_deinit(&client);
            connected = false;
        }
        if (!connected)
            top_draw_absent(screen);
        key = screen_wait(screen, PERIOD_MS);
    }
    if (connected)
        rpc_client_deinit(&client);
}

int ctl_top(int argc, char **argv) {
    struct screen screen;
    ctl_options(argc, argv, &(struct ctl_options){.help = help});
    if (screen_open(&screen) < 0)
        return ctl_fail(xstrdup("top needs a terminal; status and metrics do not"));
    char *path = ctl_socket();
    top_run(&screen, path);
    free(path);
    screen_close(&screen);
    return 0;
}
