/* See watch.h. What changes is compiled at once: a job for a file, one more where it changes again meanwhile. */
#include "daemon/watch/watch.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "daemon/peers/connection.h"
#include "daemon/peers/reply.h"
#include "daemon/pool/job.h"
#include "daemon/pool/pool.h"
#include "daemon/server.h"
#include "daemon/watch/folder_tree.h"
#include "daemon/watch/watch_params.h"
#include "proto/rpc.h"

/* Jobs of a watch at once, so that workers are busy; the rest waits here, where a file counts once. */
#define JOBS_MAX 32

/* While a client leaves so many bytes of what it was told unread, nothing more is compiled for it. */
#define UNREAD_MAX (1u << 20)

enum source_state {
    SOURCE_WAITING,
    SOURCE_RUNNING,
    SOURCE_CHANGED, /* runs, and has changed since */
};

/* A file that is to be compiled. */
struct source {
    struct list link;    /* in watch->waiting or watch->running */
    struct watch *watch; /* NULL: has ended */
    char *path;
    enum source_state state;
    bool force; /* it has changed; else it is compiled unless it is up to date */
};

struct watch {
    struct list link;              /* in connection->watches */
    struct connection *connection; /* NULL: has ended */
    uint64_t number;
    struct reply *reply; /* of the request, until it is answered */
    struct watch_params params;
    struct folder_tree tree;
    struct list waiting, running;
    unsigned running_count;
    void *by_path;   /* of tsearch(3): struct source */
    uv_idle_t later; /* active: submit in the loop's next turn */
};

static int compare(const void *a, const void *b) {
    return strcmp(((const struct source *)a)->path, ((const struct source *)b)->path);
}

static void free_source(struct source *source) {
    list_remove(&source->link);
    if (source->watch != NULL)
        tdelete(source, &source->watch->by_path, compare);
    free(source->path);
    free(source);
}

static void submit(struct watch *watch);

static void on_later(uv_idle_t *handle) {
    uv_idle_stop(handle);
    submit(list_entry(handle, struct watch, later));
}

static void wait_for_turn(struct source *source) {
    struct watch *watch = source->watch;
    source->state = SOURCE_WAITING;
    list_remove(&source->link);
    list_append(&watch->waiting, &source->link);
    uv_idle_start(&watch->later, on_later);
}

static void add_source(struct watch *watch, const char *path, bool force) {
    struct source key = {.path = (char *)path}, **found = tfind(&key, &watch->by_path, compare);
    struct source *source = found ? *found : NULL;
    if (source == NULL) {
        source = xcalloc(1, sizeof *source);
        list_init(&source->link);
        source->watch = watch;
        source->path = xstrdup(path);
        tsearch(source, &watch->by_path, compare);
        wait_for_turn(source);
    } else if (source->state == SOURCE_RUNNING && force) {
        source->state = SOURCE_CHANGED;
    }
    source->force = source->force || force;
}

static void notify(struct watch *watch, const char *method, const struct buffer *params) {
    struct buffer text = {0};
    rpc_write_notification(&text, method, params->data, params->len);
    connection_send(watch->connection, text.data, text.len);
    buffer_deinit(&text);
}

/* {"watch":1,"file":"/a.py", and the opening of a member that the caller completes. */
static void begin_params(const struct watch *watch, const struct source *source, const char *member,
                         struct buffer *params) {
    buffer_printf(params, "{\"watch\":%llu,\"file\":", (unsigned long long)watch->number);
    json_print_string(source->path, params);
    buffer_printf(params, ",\"%s\":", member);
}

static bool is_news(struct json_span result) {
    struct json_span outcome = json_member(result.text, result.len, "outcome");
    return outcome.text == NULL || outcome.len < 2 || strncmp(outcome.text, "\"up-to-date\"", outcome.len) != 0;
}

/* A file that is not there any more is no error of its. */
static bool has_vanished(struct json_span error) {
    struct json_span data = json_member(error.text, error.len, "data");
    struct json_span number = data.text ? json_member(data.text, data.len, "errno") : (struct json_span){NULL, 0};
    return number.text != NULL && strtol(number.text, NULL, 10) == ENOENT;
}

static void tell(struct watch *watch, const struct source *source, struct json_span result, struct json_span error) {
    struct buffer params = {0};
    bool failed = error.text != NULL;
    if (watch->connection->server->draining || (failed ? has_vanished(error) : result.text == NULL || !is_news(result)))
        return;
    begin_params(watch, source, failed ? "error" : "result", &params);
    buffer_append(&params, failed ? error.text : result.text, failed ? error.len : result.len);
    buffer_append_char(&params, '}');
    notify(watch, "watch/compiled", &params);
    buffer_deinit(&params);
}

/* The answer of a job, or that there will be none (both empty). */
static void on_answer(void *owner, struct json_span result, struct json_span error) {
    struct source *source = owner;
    struct watch *watch = source->watch;
    if (watch == NULL) {
        free_source(source);
        return;
    }
    watch->running_count--;
    tell(watch, source, result, error);
    if (source->state == SOURCE_CHANGED) {
        wait_for_turn(source);
    } else {
        free_source(source);
        uv_idle_start(&watch->later, on_later);
    }
}

static void start_job(struct watch *watch, struct source *source) {
    struct connection *connection = watch->connection;
    struct buffer params = {0};
    watch_params_of_job(&watch->params, source->path, source->force, &params);
    list_remove(&source->link);
    list_append(&watch->running, &source->link);
    source->state = SOURCE_RUNNING;
    source->force = false;
    watch->running_count++;
    struct job *job = job_new(watch->params.pool, connection, reply_new_hooked(connection, on_answer, source),
                              "compile", (struct json_span){params.data, params.len});
    job->timeout_ms = watch->params.timeout_ms;
    job->priority = watch->params.priority;
    buffer_deinit(&params);
    pool_submit(job->pool, job);
}

static void submit(struct watch *watch) {
    struct connection *connection = watch->connection;
    while (watch->connection != NULL && !connection->server->draining && !list_empty(&watch->waiting) &&
           watch->running_count < JOBS_MAX && channel_pending(&connection->channel) < UNREAD_MAX)
        start_job(watch, list_entry(watch->waiting.next, struct source, link));
}

void watch_resume_all(struct connection *connection) {
    list_each(link, &connection->watches)
        uv_idle_start(&list_entry(link, struct watch, link)->later, on_later);
}

static struct watch *of_tree(struct folder_tree *tree) {
    return list_entry(tree, struct watch, tree);
}

static void on_source(struct folder_tree *tree, const char *path, bool scanned) {
    struct watch *watch = of_tree(tree);
    bool is_first = watch->reply != NULL;
    if (!is_first || watch->params.initial)
        add_source(watch, path, !scanned);
}

static void on_scanned(struct folder_tree *tree) {
    struct watch *watch = of_tree(tree);
    struct buffer result = {0};
    if (watch->reply == NULL)
        return;
    buffer_printf(&result, "{\"watch\":%llu,\"folders\":%zu}", (unsigned long long)watch->number, tree->folder_count);
    struct reply *reply = watch->reply;
    watch->reply = NULL;
    reply_result(reply, (struct json_span){result.data, result.len});
    buffer_deinit(&result);
}

static void end(struct watch *watch);

static void on_failed(struct folder_tree *tree, const char *why) {
    struct watch *watch = of_tree(tree);
    struct reply *reply = watch->reply;
    if (reply != NULL) {
        watch->reply = NULL;
        reply_error(reply, RPC_UNAVAILABLE, why, unavailable_data(why, false));
    } else {
        struct buffer params = {0};
        buffer_printf(&params, "{\"watch\":%llu,\"reason\":", (unsigned long long)watch->number);
        json_print_string(why, &params);
        buffer_append_char(&params, '}');
        notify(watch, "watch/ended", &params);
        buffer_deinit(&params);
    }
    end(watch);
}

static void on_later_closed(uv_handle_t *handle) {
    struct watch *watch = list_entry(handle, struct watch, later);
    watch_params_deinit(&watch->params);
    free(watch);
}

static void on_tree_closed(struct folder_tree *tree) {
    uv_close((uv_handle_t *)&of_tree(tree)->later, on_later_closed);
}

static const struct folder_tree_events tree_events = {
    .source = on_source,
    .scanned = on_scanned,
    .failed = on_failed,
    .closed = on_tree_closed,
};

/* What runs is finished, and nobody is told. */
static void forget_sources(struct watch *watch) {
    list_each(link, &watch->waiting)
        free_source(list_entry(link, struct source, link));
    list_each(running, &watch->running) {
        struct source *source = list_entry(running, struct source, link);
        tdelete(source, &watch->by_path, compare);
        list_remove(&source->link);
        source->watch = NULL;
    }
}

static void end(struct watch *watch) {
    list_remove(&watch->link);
    if (watch->reply != NULL)
        reply_drop(watch->reply);
    watch->reply = NULL;
    watch->connection = NULL;
    forget_sources(watch);
    uv_idle_stop(&watch->later);
    folder_tree_close(&watch->tree);
}

static struct watch *watch_new(struct connection *connection, struct reply *reply) {
    static uint64_t last_number;
    struct watch *watch = xcalloc(1, sizeof *watch);
    watch->connection = connection;
    watch->reply = reply;
    watch->number = ++last_number;
    list_init(&watch->waiting);
    list_init(&watch->running);
    list_init(&watch->link);
    return watch;
}

void watch_begin(struct connection *connection, struct reply *reply, struct json_span span) {
    char why[160];
    struct watch *watch = watch_new(connection, reply);
    int code = watch_params_read(&watch->params, connection->server, span, why, sizeof why);
    if (code == 0 && connection->server->draining) {
        code = RPC_UNAVAILABLE;
        snprintf(why, sizeof why, "the daemon is shutting down");
    }
    if (code == 0 && folder_tree_init(&watch->tree, &connection->server->loop, watch->params.paths,
                                      watch->params.path_count, &tree_events) < 0) {
        code = RPC_UNAVAILABLE;
        snprintf(why, sizeof why, "inotify: %s", strerror(errno));
    }
    if (code != 0) {
        reply_error(reply, code, why,
                    code == RPC_UNAVAILABLE ? unavailable_data(why, connection->server->draining) : NULL);
        watch_params_deinit(&watch->params);
        free(watch);
        return;
    }
    uv_idle_init(&connection->server->loop, &watch->later);
    list_append(&connection->watches, &watch->link);
}

bool watch_end(struct connection *connection, uint64_t number) {
    list_each(link, &connection->watches) {
        struct watch *watch = list_entry(link, struct watch, link);
        if (watch->number != number)
            continue;
        end(watch);
        return true;
    }
    return false;
}

void watch_end_all(struct connection *connection) {
    list_each(link, &connection->watches)
        end(list_entry(link, struct watch, link));
}
