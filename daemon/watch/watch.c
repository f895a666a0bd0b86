/* A file that changes is compiled at once. There is one job a file; if the file changes while its job runs, one more
 * follows. */
#include "daemon/watch/watch.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "daemon/peers/connection.h"
#include "daemon/peers/return_address.h"
#include "daemon/pool/interpreters.h"
#include "daemon/pool/job.h"
#include "daemon/watch/folder_tree.h"
#include "daemon/watch/watch_params.h"
#include "proto/rpc.h"

/* The most jobs of a watch at a time: enough to keep workers busy. The other files wait here, each of them once. */
#define JOBS_MAX 32

/* While the client has left this many bytes unread, nothing more is compiled for the watch. */
#define UNREAD_MAX (1u << 20)

/* The most watches of a connection: each takes one of the inotify instances that the user may have (128 by default). */
#define WATCHES_MAX 16

#define NODE_BYTES 64 /* of a node of tsearch(3), and what malloc() adds to three allocations, about */

enum source_state {
    SOURCE_WAITING,
    SOURCE_RUNNING,
    SOURCE_CHANGED, /* its job runs, and it has changed since */
};

/* A file that is to be compiled. */
struct watched_source {
    struct list link;    /* in watch->waiting or watch->running */
    struct watch *watch; /* NULL: has ended */
    char *path;
    enum source_state state;
    bool force; /* it has changed, so it is compiled; false: only if it is not up to date */
};

struct watch {
    struct interpreters *interpreters;
    struct attachment attachment;  /* to its connection */
    struct connection *connection; /* NULL: has ended */
    struct census *census;
    size_t held; /* bytes that the connection is charged for, apart from sources */
    uint64_t number;
    struct return_address *address; /* of the request's answer, until that is sent */
    struct watch_params params;
    struct folder_tree tree;
    struct list waiting, running;
    unsigned running_count;
    void *by_path;   /* of tsearch(3): struct watched_source */
    uv_idle_t later; /* active: submit in the loop's next turn */
};

static int watch_compare(const void *a, const void *b) {
    return strcmp(((const struct watched_source *)a)->path, ((const struct watched_source *)b)->path);
}

/* Bytes that the connection is charged for. */
static size_t watch_source_size(const struct watched_source *source) {
    return sizeof *source + strlen(source->path) + 1 + NODE_BYTES;
}

/* Takes the source out of its watch. */
static void watch_leave(struct watched_source *source) {
    struct watch *watch = source->watch;
    list_remove(&source->link);
    tdelete(source, &watch->by_path, watch_compare);
    connection_release(watch->connection, watch_source_size(source));
    source->watch = NULL;
}

static void watch_free_source(struct watched_source *source) {
    if (source->watch != NULL)
        watch_leave(source);
    free(source->path);
    free(source);
}

static void watch_submit(struct watch *watch);

static void watch_on_later(uv_idle_t *handle) {
    uv_idle_stop(handle);
    watch_submit(list_entry(handle, struct watch, later));
}

static void watch_enqueue(struct watched_source *source) {
    struct watch *watch = source->watch;
    source->state = SOURCE_WAITING;
    list_remove(&source->link);
    list_append(&watch->waiting, &source->link);
    uv_idle_start(&watch->later, watch_on_later);
}

static void watch_add_source(struct watch *watch, const char *path, bool force) {
    struct watched_source key = {.path = (char *)path}, **found = tfind(&key, &watch->by_path, watch_compare);
    struct watched_source *source = found ? *found : NULL;
    if (source == NULL) {
        source = xcalloc(1, sizeof *source);
        list_init(&source->link);
        source->watch = watch;
        source->path = xstrdup(path);
        connection_hold(watch->connection, watch_source_size(source));
        xtsearch(source, &watch->by_path, watch_compare);
        watch_enqueue(source);
    } else if (source->state == SOURCE_RUNNING && force) {
        source->state = SOURCE_CHANGED;
    }
    source->force = source->force || force;
}

static void watch_notify(struct watch *watch, const char *method, const struct buffer *params) {
    struct buffer text = {0};
    rpc_write_notification(&text, method, params->data, params->len);
    connection_send(watch->connection, text.data, text.len);
    buffer_deinit(&text);
}

/* {"watch":1,"file":"/a.py", and the opening of a member that the caller completes. */
static void watch_begin_params(const struct watch *watch, const struct watched_source *source, const char *member,
                               struct buffer *params) {
    buffer_printf(params, "{\"watch\":%llu,\"file\":", (unsigned long long)watch->number);
    json_print_string(source->path, params);
    buffer_printf(params, ",\"%s\":", member);
}

static bool watch_is_news(struct json_span result) {
    struct json_span outcome = json_member(result.text, result.len, "outcome");
    return outcome.text == NULL || outcome.len < 2 || strncmp(outcome.text, "\"up-to-date\"", outcome.len) != 0;
}

/* Whether the error says that the file no longer exists. The client is not told of that. */
static bool watch_has_vanished(struct json_span error) {
    struct json_span data = json_member(error.text, error.len, "data");
    struct json_span number = data.text ? json_member(data.text, data.len, "errno") : (struct json_span){NULL, 0};
    return number.text != NULL && strtol(number.text, NULL, 10) == ENOENT;
}

static void watch_tell(struct watch *watch, const struct watched_source *source, struct json_span result,
                       struct json_span error) {
    struct buffer params = {0};
    bool failed = error.text != NULL;
    if (watch->census->draining || (failed ? watch_has_vanished(error) : result.text == NULL || !watch_is_news(result)))
        return;
    watch_begin_params(watch, source, failed ? "error" : "result", &params);
    buffer_append(&params, failed ? error.text : result.text, failed ? error.len : result.len);
    buffer_append_char(&params, '}');
    watch_notify(watch, "watch/compiled", &params);
    buffer_deinit(&params);
}

/* Takes the answer of a job. If both texts are empty, no answer will come. */
static void watch_on_answer(void *owner, struct json_span result, struct json_span error) {
    struct watched_source *source = owner;
    struct watch *watch = source->watch;
    if (watch == NULL) {
        watch_free_source(source);
        return;
    }
    watch->running_count--;
    watch_tell(watch, source, result, error);
    if (source->state == SOURCE_CHANGED) {
        watch_enqueue(source);
    } else {
        watch_free_source(source);
        uv_idle_start(&watch->later, watch_on_later);
    }
}

static void watch_start_job(struct watch *watch, struct watched_source *source) {
    struct connection *connection = watch->connection;
    struct buffer params = {0};
    watch_params_of_job(&watch->params, source->path, source->force, &params);
    list_remove(&source->link);
    list_append(&watch->running, &source->link);
    source->state = SOURCE_RUNNING;
    source->force = false;
    watch->running_count++;
    struct job *job = interpreters_new_job(watch->interpreters, watch->params.python, connection,
                                           return_address_new_hooked(connection, watch_on_answer, source), JOB_COMPILE,
                                           (struct json_span){params.data, params.len});
    job->asks_cache = watch->params.asks_cache;
    job->timeout_ms = watch->params.timeout_ms;
    job->priority = watch->params.priority;
    buffer_deinit(&params);
    interpreters_submit(watch->interpreters, job);
}

/* Not before the request is answered: the client must know the watch's number first. */
static void watch_submit(struct watch *watch) {
    while (watch->connection != NULL && watch->address == NULL && !watch->census->draining &&
           !list_empty(&watch->waiting) && watch->running_count < JOBS_MAX &&
           connection_unread(watch->connection) < UNREAD_MAX)
        watch_start_job(watch, list_entry(watch->waiting.next, struct watched_source, link));
}

static struct watch *watch_of_tree(struct folder_tree *tree) {
    return list_entry(tree, struct watch, tree);
}

static void watch_on_source(struct folder_tree *tree, const char *path, bool scanned) {
    struct watch *watch = watch_of_tree(tree);
    bool is_first = watch->address != NULL;
    if (!is_first || watch->params.initial)
        watch_add_source(watch, path, !scanned);
}

/* Charges the connection for what the watch holds now, apart from sources. */
static void watch_charge(struct watch *watch) {
    size_t size = sizeof *watch + watch_params_size(&watch->params) + folder_tree_size(&watch->tree);
    connection_hold(watch->connection, size);
    connection_release(watch->connection, watch->held);
    watch->held = size;
}

static void watch_on_resized(struct folder_tree *tree) {
    watch_charge(watch_of_tree(tree));
}

static void watch_on_scanned(struct folder_tree *tree) {
    struct watch *watch = watch_of_tree(tree);
    struct buffer result = {0};
    if (watch->address == NULL)
        return;
    buffer_printf(&result, "{\"watch\":%llu,\"folders\":%zu}", (unsigned long long)watch->number, tree->folders.count);
    struct return_address *address = watch->address;
    watch->address = NULL;
    return_address_result(address, (struct json_span){result.data, result.len});
    buffer_deinit(&result);
    uv_idle_start(&watch->later, watch_on_later);
}

static void watch_close(struct watch *watch);

static void watch_on_failed(struct folder_tree *tree, const char *why) {
    struct watch *watch = watch_of_tree(tree);
    struct return_address *address = watch->address;
    if (address != NULL) {
        watch->address = NULL;
        return_address_error(address, RPC_UNAVAILABLE, why,
                             tree->is_foreign ? rpc_foreign_data(why) : rpc_unavailable_data(why, false));
    } else {
        struct buffer params = {0};
        buffer_printf(&params, "{\"watch\":%llu,\"reason\":", (unsigned long long)watch->number);
        json_print_string(why, &params);
        buffer_append_char(&params, '}');
        watch_notify(watch, "watch/ended", &params);
        buffer_deinit(&params);
    }
    watch_close(watch);
}

static void watch_on_later_closed(uv_handle_t *handle) {
    struct watch *watch = list_entry(handle, struct watch, later);
    watch_params_deinit(&watch->params);
    free(watch);
}

static void watch_on_tree_closed(struct folder_tree *tree) {
    uv_close((uv_handle_t *)&watch_of_tree(tree)->later, watch_on_later_closed);
}

static const struct folder_tree_events watch_tree_events = {
    .source = watch_on_source,
    .resized = watch_on_resized,
    .scanned = watch_on_scanned,
    .failed = watch_on_failed,
    .closed = watch_on_tree_closed,
};

/* Jobs that run are finished, and their answers are dropped. */
static void watch_forget_sources(struct watch *watch) {
    list_each(link, &watch->waiting)
        watch_free_source(list_entry(link, struct watched_source, link));
    list_each(running, &watch->running)
        watch_leave(list_entry(running, struct watched_source, link));
}

static void watch_close(struct watch *watch) {
    struct return_address *address = watch->address;
    watch->address = NULL;
    if (address != NULL)
        return_address_drop(address);
    watch_forget_sources(watch);
    connection_detach(watch->connection, &watch->attachment);
    connection_release(watch->connection, watch->held);
    watch->connection = NULL;
    uv_idle_stop(&watch->later);
    folder_tree_close(&watch->tree);
}

static struct watch *watch_of(struct attachment *attachment) {
    return list_entry(attachment, struct watch, attachment);
}

static void watch_on_client_closing(struct attachment *attachment) {
    watch_close(watch_of(attachment));
}

/* The client has read what it was sent: files that waited for that go on. */
static void watch_on_client_resumed(struct attachment *attachment) {
    uv_idle_start(&watch_of(attachment)->later, watch_on_later);
}

static const struct attachment_events watch_attachment_events = {
    .ended = watch_on_client_closing,
    .resumed = watch_on_client_resumed,
};

static struct watch *watch_new(struct connection *connection, struct return_address *address) {
    static uint64_t last_number;
    struct watch *watch = xcalloc(1, sizeof *watch);
    watch->connection = connection;
    watch->census = connection->group->census;
    watch->address = address;
    watch->number = ++last_number;
    list_init(&watch->waiting);
    list_init(&watch->running);
    list_init(&watch->attachment.link);
    return watch;
}

static unsigned watch_count(const struct connection *connection) {
    unsigned count = 0;
    list_each(link, &connection->others)
        count += list_entry(link, struct attachment, link)->events == &watch_attachment_events;
    return count;
}

/* Returns 0, or a JSON-RPC error code with a sentence in *why, which the caller frees. */
static int watch_start(struct watch *watch, struct interpreters *interpreters, struct json_span params, char **why) {
    watch->interpreters = interpreters;
    const struct options *options = watch->connection->group->options;
    int code = watch_params_read(&watch->params, interpreters, options, params, why);
    if (code != 0)
        return code;
    if (watch->census->draining) {
        *why = xstrdup("the daemon is shutting down");
        return RPC_UNAVAILABLE;
    }
    if (watch_count(watch->connection) >= WATCHES_MAX) {
        *why = xasprintf("this connection has %d watches, and may have no more", WATCHES_MAX);
        return RPC_UNAVAILABLE;
    }
    uv_loop_t *loop = watch->connection->channel.pipe.loop;
    int status = folder_tree_init(&watch->tree, loop, watch->params.paths, watch->params.path_count,
                                  watch->params.places, watch->params.place_count, &watch_tree_events);
    if (status < 0) {
        *why = xasprintf("inotify: %s", strerror(-status));
        return RPC_UNAVAILABLE;
    }
    uv_idle_init(loop, &watch->later);
    return 0;
}

void watch_begin(struct interpreters *interpreters, struct connection *connection, struct return_address *address,
                 struct json_span params) {
    char *why = NULL;
    struct watch *watch = watch_new(connection, address);
    int code = watch_start(watch, interpreters, params, &why);
    if (code == 0) {
        connection_attach(connection, &watch->attachment, &watch_attachment_events);
        watch_charge(watch);
        return;
    }
    if (code == RPC_UNAVAILABLE)
        return_address_unavailable(address, why, watch->census->draining);
    else
        return_address_error(address, code, why, NULL);
    free(why);
    watch_params_deinit(&watch->params);
    free(watch);
}

bool watch_end(struct connection *connection, uint64_t number) {
    list_each(link, &connection->others) {
        struct attachment *attachment = list_entry(link, struct attachment, link);
        if (attachment->events != &watch_attachment_events || watch_of(attachment)->number != number)
            continue;
        watch_close(watch_of(attachment));
        return true;
    }
    return false;
}
