/* pycompilectl status: the daemon's status as a table or as JSON. Members that a daemon of another version does not
 * have are left out. */
#include "client/ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/ctl/sockets.h"
#include "client/ctl/table.h"
#include "proto/json.h"

static const char help[] = "usage: pycompilectl status [-h] [--json] [--all]\n"
                           "\n"
                           "Show the daemon's state. The exit status is 3 where none runs.\n"
                           "\n"
                           "options:\n"
                           "  -h, --help  show this help message and exit\n"
                           "  --json      print the daemon's answer as one line of JSON\n"
                           "  --all       also the daemons of other builds and mount namespaces\n";

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static char *duration(double seconds) {
    long s = (long)seconds;
    if (s < 60)
        return xasprintf("%ld s", s);
    if (s < 3600)
        return xasprintf("%ld min %ld s", s / 60, s % 60);
    if (s < 86400)
        return xasprintf("%ld h %ld min", s / 3600, s / 60 % 60);
    return xasprintf("%ld d %ld h", s / 86400, s / 3600 % 24);
}

/* "2 idle, 1 busy": how many workers are in each state, in the order in which states appear. */
static char *worker_states(const cJSON *workers) {
    struct buffer text = {0};
    const cJSON *first, *other;
    cJSON_ArrayForEach(first, workers) {
        const char *state = json_get_string(first, "state");
        unsigned count = 0;
        bool seen = false;
        cJSON_ArrayForEach(other, workers) {
            const char *name = json_get_string(other, "state");
            bool same = state != NULL && name != NULL && strcmp(state, name) == 0;
            if (same && count == 0 && other != first)
                seen = true;
            count += same;
        }
        if (state != NULL && !seen)
            buffer_printf(&text, "%s%u %s", text.len ? ", " : "", count, state);
    }
    if (text.len == 0)
        buffer_append_char(&text, '-');
    buffer_string(&text);
    return text.data;
}

static double jobs_done(const cJSON *workers) {
    double jobs = 0;
    const cJSON *worker;
    cJSON_ArrayForEach(worker, workers)
        jobs += json_get_number(worker, "jobs", 0);
    return jobs;
}

static void add_host_cells(struct table *table, const cJSON *host) {
    const cJSON *workers = member(host, "workers");
    const char *kind = json_get_string(host, "kind");
    table_add(table, "%.0f", json_get_number(host, "pid", 0));
    table_add(table, "%s%s", kind ? kind : "-", json_get_bool(host, "retiring") ? " (leaving)" : "");
    double rss_kb = json_get_number(host, "rss_kb", 0);
    if (rss_kb > 0)
        table_add(table, "%.1f MB", rss_kb / 1024);
    else
        table_add(table, "-"); /* not reported yet */
    char *states = worker_states(workers);
    table_add(table, "%s", states);
    free(states);
    table_add(table, "%.0f", jobs_done(workers));
}

/* One row for each host; a Python without hosts has one row. */
static void add_python(struct table *table, const cJSON *python) {
    const char *name = json_get_string(python, "python");
    const char *version = json_get_string(python, "version");
    const cJSON *hosts = member(python, "hosts"), *host;
    bool first = true;
    for (host = hosts ? hosts->child : NULL; first || host != NULL; host = host->next) {
        table_row(table);
        if (first) {
            table_add(table, "%s%s", name ? name : "?", json_get_bool(python, "default") ? "*" : "");
            table_add(table, "%s", version ? version : "-");
            table_add(table, "%.0f", json_get_number(python, "queued", 0));
            table_add(table, "%.0f", json_get_number(python, "crashes", 0));
        } else {
            for (int i = 0; i < 4; i++)
                table_add(table, "%s", "");
        }
        first = false;
        if (host == NULL)
            break;
        add_host_cells(table, host);
    }
}

static void print_failures(const cJSON *pythons) {
    const cJSON *python;
    cJSON_ArrayForEach(python, pythons) {
        const char *failure = json_get_string(python, "failure");
        const char *name = json_get_string(python, "python");
        if (failure != NULL)
            printf("\nPython %s: %s\n", name ? name : "?", failure);
    }
}

static void print_pythons(const cJSON *pythons) {
    static const char *const titles[] = {"PYTHON", "VERSION", "QUEUED",  "CRASHES", "HOST PID",
                                         "KIND",   "MEMORY",  "WORKERS", "JOBS",    NULL};
    struct table table = {0};
    table_row(&table);
    for (int i = 0; titles[i] != NULL; i++)
        table_add(&table, "%s", titles[i]);
    const cJSON *python;
    cJSON_ArrayForEach(python, pythons)
        add_python(&table, python);
    putchar('\n');
    table_print(&table);
    table_deinit(&table);
    print_failures(pythons);
}

/* "12 requests, 10 compiled, ...": the numbers of an object, in its order. */
static void print_numbers(const char *title, const cJSON *object) {
    if (object == NULL || object->child == NULL)
        return;
    printf("%-9s", title);
    const cJSON *item;
    const char *separator = "";
    cJSON_ArrayForEach(item, object) {
        char *name = xstrdup(item->string);
        for (char *at = name; (at = strchr(at, '_')) != NULL;)
            *at = ' ';
        if (cJSON_IsNumber(item)) {
            printf("%s%.0f %s", separator, item->valuedouble, name);
            separator = ", ";
        }
        free(name);
    }
    putchar('\n');
}

/* The cache, and its remote tier. */
static void print_cache(const cJSON *cache) {
    const cJSON *remote = member(cache, "remote");
    const char *url = json_get_string(remote, "url");
    print_numbers("cache", cache);
    if (url == NULL)
        return;
    printf("remote   %s%s\n", url, json_get_bool(remote, "away") ? " (left alone for now)" : "");
    print_numbers("", remote);
}

/* How many workers there may be, and why. */
static void print_workers(const cJSON *status) {
    const char *by = json_get_string(status, "workers_by"), *why = "";
    if (member(status, "workers_max") == NULL)
        return;
    if (by != NULL && strcmp(by, "option") == 0)
        why = " (by --workers)";
    else if (by != NULL && strcmp(by, "affinity") == 0)
        why = " (by the affinity mask)";
    else if (by != NULL && strcmp(by, "quota") == 0)
        why = " (by the CPU quota of the control group)";
    printf("workers  at most %.0f of each Python%s\n", json_get_number(status, "workers_max", 0), why);
}

static void print_status(const cJSON *status) {
    const char *version = json_get_string(status, "version");
    const char *socket = json_get_string(status, "socket");
    char *up = duration(json_get_number(status, "uptime_s", 0));
    printf("pycompiled %s, pid %.0f, up %s%s\n", version ? version : "?", json_get_number(status, "pid", 0), up,
           json_get_bool(status, "draining") ? ", shutting down" : "");
    free(up);
    if (socket != NULL)
        printf("socket   %s\n", socket);
    print_workers(status);
    if (member(status, "connections") != NULL)
        printf("clients  %.0f connected\n", json_get_number(status, "connections", 0));
    print_numbers("queue", member(status, "queue"));
    print_numbers("so far", member(status, "counters"));
    print_cache(member(status, "cache"));
    print_pythons(member(status, "pythons"));
}

/* Shows the daemon on that socket. Sets *found if there is one. Returns an exit status. */
static int status_show(const char *path, bool json, bool *found) {
    struct rpc_client client;
    int running = ctl_connect(&client, path);
    if (running <= 0)
        return running < 0;
    if (*found && !json)
        putchar('\n');
    *found = true;
    char *why;
    cJSON *status = rpc_client_call(&client, "status", NULL, clock_ms() + CTL_DEADLINE_MS, &why);
    rpc_client_deinit(&client);
    if (status == NULL)
        return ctl_fail(why);
    if (json)
        ctl_print_json(status);
    else
        print_status(status);
    cJSON_Delete(status);
    return 0;
}

static int status_show_all(bool json, bool *found) {
    struct sockets sockets;
    int status = 0;
    sockets_find(&sockets);
    for (size_t i = 0; i < sockets.count; i++)
        status |= status_show(sockets.paths[i], json, found);
    sockets_deinit(&sockets);
    return status;
}

static int status_show_one(bool json, bool *found) {
    char *path = ctl_socket();
    int status = status_show(path, json, found);
    free(path);
    return status;
}

int ctl_status(int argc, char **argv) {
    bool json = false, all = false, found = false;
    ctl_options(argc, argv, &(struct ctl_options){.help = help, .json = &json, .all = &all});
    int status = all ? status_show_all(json, &found) : status_show_one(json, &found);
    if (found || status != 0)
        return ctl_finish(status);
    fputs("pycompiled is not running\n", json ? stderr : stdout);
    return ctl_finish(CTL_NOT_RUNNING);
}
