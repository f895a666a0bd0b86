/* A request is decoded as far as the daemon needs it; parameters that only a host needs are passed on as they came. */
#include "daemon/methods.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "daemon/activity.h"
#include "daemon/metrics.h"
#include "daemon/openrpc.h"
#include "daemon/peers/language_server.h"
#include "daemon/peers/request_batch.h"
#include "daemon/peers/return_address.h"
#include "daemon/pool/interpreters.h"
#include "daemon/server.h"
#include "daemon/status.h"
#include "daemon/watch/watch.h"
#include "proto/rpc.h"
#include "proto/search_request.h"

/* A source text of this many bytes or more is passed to the host without being parsed here. */
#define LONG_SOURCE 1024

static void methods_refuse(struct return_address *address, int code, const char *name, const char *why) {
    char *message = xasprintf("%s: %s", name, why);
    return_address_error(address, code, message, NULL);
    free(message);
}

static void methods_refuse_params(struct return_address *address, const char *why) {
    methods_refuse(address, RPC_INVALID_PARAMS, "Invalid params", why);
}

/* Makes a job for that Python, or returns NULL: then the request is answered. */
static struct job *methods_new_job(struct connection *connection, struct return_address *address, const char *python,
                                   enum job_kind kind, struct json_span params, int timeout_ms) {
    struct server *server = server_of(connection);
    char *why;
    if (server->census.draining) {
        return_address_unavailable(address, "the daemon is shutting down", true);
        return NULL;
    }
    why = interpreters_refuse(&server->interpreters, python);
    if (why != NULL) {
        return_address_unavailable(address, why, false);
        free(why);
        return NULL;
    }
    struct job *job = interpreters_new_job(&server->interpreters, python, connection, address, kind, params);
    job->timeout_ms = timeout_ms >= 0 ? (unsigned)timeout_ms : server->options->job_timeout_ms;
    return job;
}

static struct job *methods_job_of(struct list *link) {
    return job_of_attachment(list_entry(link, struct attachment, link));
}

/* Answers the job's request as cancelled. If the job runs, it is finished and its answer discarded. */
static void methods_cancel(struct job *job, const char *why) {
    struct return_address *address = job->address;
    job->address = NULL;
    job->census->counters.cancelled++;
    return_address_error(address, RPC_REQUEST_CANCELLED, why, NULL);
    pool_cancel(job);
}

/* The absolute name of a request's file; the caller frees. */
static char *methods_file_name(const struct compile_request *request) {
    if (request->file[0] == '/' || request->cwd == NULL)
        return xstrdup(request->file);
    return xasprintf("%s/%s", request->cwd, request->file);
}

/* The job checks the unsaved text of a file. An older check of the same file, if the client has no answer to it yet, is
 * of no use any more. */
static void methods_supersede(struct connection *connection, struct job *job, char *file) {
    list_each(link, &connection->requests) {
        struct job *older = methods_job_of(link);
        if (older->buffer == NULL || older->pool != job->pool || older->awaited != job->awaited ||
            older->address == NULL || strcmp(older->buffer, file) != 0)
            continue;
        methods_cancel(older, "RequestCancelled: a newer check of the same file has come");
        break;
    }
    job_set_buffer(job, file);
}

/* Parses the parameters with an empty text in place of a long `source`, which only the host needs. */
static cJSON *methods_parse_without_source(struct json_span params, const char **error) {
    if (params.len < LONG_SOURCE)
        return json_parse_checked(params.text, params.len, error);
    struct json_span source = json_member(params.text, params.len, "source");
    if (source.text == NULL || *source.text != '"' || source.len < LONG_SOURCE)
        return json_parse_checked(params.text, params.len, error);
    struct buffer rest = {0};
    buffer_append(&rest, params.text, (size_t)(source.text - params.text));
    buffer_append_string(&rest, "\"\"");
    buffer_append(&rest, source.text + source.len, (size_t)(params.text + params.len - source.text) - source.len);
    cJSON *tree = json_parse_checked(rest.data, rest.len, error);
    buffer_deinit(&rest);
    return tree;
}

static void methods_submit(struct connection *connection, struct return_address *address, enum job_kind kind,
                           const struct compile_request *request, struct json_span params) {
    struct job *job = methods_new_job(connection, address, request->python, kind, params, request->timeout_ms);
    if (job == NULL)
        return;
    job->priority = (enum priority)request->priority;
    job->asks_cache = request->cache == CACHE_USE && request->source == NULL &&
                      connection->group->options->cache != NULL; /* as host/job_cache.c decides it */
    if (kind == JOB_CHECK && request->source != NULL)
        methods_supersede(connection, job, methods_file_name(request));
    interpreters_submit(&server_of(connection)->interpreters, job);
}

static void methods_compile(struct connection *connection, struct return_address *address,
                            const struct rpc_message *message, enum job_kind kind) {
    const char *error;
    char *why = NULL;
    struct compile_request request;
    static const char nothing[] = "{}";
    struct json_span span = message->params.text ? message->params : (struct json_span){nothing, 2};
    cJSON *params = methods_parse_without_source(span, &error);
    if (params == NULL || compile_request_decode(params, &request, &why) < 0)
        methods_refuse_params(address, params ? why : error);
    else
        methods_submit(connection, address, kind, &request, span);
    free(why);
    cJSON_Delete(params);
}

static void method_compile(struct connection *connection, struct return_address *address,
                           const struct rpc_message *message) {
    methods_compile(connection, address, message, JOB_COMPILE);
}

static void method_check(struct connection *connection, struct return_address *address,
                         const struct rpc_message *message) {
    methods_compile(connection, address, message, JOB_CHECK);
}

static void method_search(struct connection *connection, struct return_address *address,
                          const struct rpc_message *message) {
    const char *error = "";
    char *why = NULL;
    struct search_request request;
    struct json_span span = message->params;
    cJSON *params = span.text ? json_parse_checked(span.text, span.len, &error) : NULL;
    if ((span.text != NULL && params == NULL) || search_request_decode(params, &request, &why) < 0) {
        methods_refuse_params(address, span.text != NULL && params == NULL ? error : why);
    } else {
        struct job *job = methods_new_job(connection, address, request.python, JOB_SEARCH, span, request.timeout_ms);
        if (job != NULL) {
            job->wants = HOST_PRISTINE;
            interpreters_submit(&server_of(connection)->interpreters, job);
        }
    }
    free(why);
    cJSON_Delete(params);
}

static void method_watch(struct connection *connection, struct return_address *address,
                         const struct rpc_message *message) {
    watch_begin(&server_of(connection)->interpreters, connection, address, message->params);
}

static void method_unwatch(struct connection *connection, struct return_address *address,
                           const struct rpc_message *message) {
    const char *error = "";
    cJSON *params = message->params.text ? json_parse_checked(message->params.text, message->params.len, &error) : NULL;
    int64_t number = json_get_integer(params, "watch", 1, JSON_INTEGER_MAX, 0);
    if (number == 0)
        methods_refuse_params(address, "'watch' must be the number of a watch");
    else if (!watch_end(connection, (uint64_t)number))
        methods_refuse_params(address, "this connection has no watch of that number");
    else
        return_address_result(address, (struct json_span){"{}", 2});
    cJSON_Delete(params);
}

/* Answers with the tree, and deletes it. */
static void methods_answer(struct return_address *address, cJSON *tree) {
    struct buffer text = {0};
    json_print(tree, &text);
    cJSON_Delete(tree);
    return_address_result(address, (struct json_span){text.data, text.len});
    buffer_deinit(&text);
}

static void method_status(struct connection *connection, struct return_address *address,
                          const struct rpc_message *message) {
    methods_answer(address, status_build(server_of(connection)));
}

static void method_metrics(struct connection *connection, struct return_address *address,
                           const struct rpc_message *message) {
    methods_answer(address, metrics_build(server_of(connection)));
}

static void method_activity(struct connection *connection, struct return_address *address,
                            const struct rpc_message *message) {
    methods_answer(address, activity_build(server_of(connection)));
}

static void method_shutdown(struct connection *connection, struct return_address *address,
                            const struct rpc_message *message) {
    return_address_result(address, (struct json_span){"{}", 2});
    server_of(connection)->shutdown_asked = true; /* a batch is answered as a whole before that */
}

static void method_discover(struct connection *connection, struct return_address *address,
                            const struct rpc_message *message) {
    return_address_result(address, (struct json_span){openrpc_document, openrpc_document_len});
}

/* Reads the id of the request to be cancelled. Ids are compared as they were written. With `only_queued`, a request
 * that a worker has goes on, and is answered as if nothing had come. */
static void method_cancel(struct connection *connection, struct return_address *address,
                          const struct rpc_message *message) {
    struct json_span id = message->params.text ? json_member(message->params.text, message->params.len, "id")
                                               : (struct json_span){NULL, 0};
    bool only_queued =
        id.text != NULL && json_span_is(json_member(message->params.text, message->params.len, "only_queued"), "true");
    list_each(link, &connection->requests) {
        struct job *job = methods_job_of(link);
        const char *open = job->address != NULL ? job->address->id : NULL;
        if (only_queued && job->state == JOB_ASSIGNED)
            continue;
        if (id.text != NULL && open != NULL && strlen(open) == id.len && memcmp(open, id.text, id.len) == 0) {
            methods_cancel(job, "RequestCancelled");
            break;
        }
    }
    return_address_result(address, (struct json_span){"null", 4});
}

static const struct method {
    const char *name;
    bool takes_params;
    void (*run)(struct connection *, struct return_address *, const struct rpc_message *);
} methods[] = {
    {"compile", true, method_compile},        {"check", true, method_check},
    {"search", true, method_search},          {"watch", true, method_watch},
    {"unwatch", true, method_unwatch},        {"status", false, method_status},
    {"metrics", false, method_metrics},       {"activity", false, method_activity},
    {"shutdown", false, method_shutdown},     {"rpc.discover", false, method_discover},
    {"$/cancelRequest", true, method_cancel},
};

static bool methods_is_empty_object(struct json_span span) {
    if (span.text == NULL)
        return true;
    const char *error;
    cJSON *tree = json_parse_checked(span.text, span.len, &error);
    bool empty = tree != NULL && tree->child == NULL;
    cJSON_Delete(tree);
    return empty;
}

/* Whether the method only looks at the daemon: that is no use of it (--idle-timeout). */
static bool methods_only_looks(const char *name) {
    return strcmp(name, "status") == 0 || strcmp(name, "metrics") == 0 || strcmp(name, "activity") == 0;
}

static void methods_call(struct connection *connection, struct return_address *address,
                         const struct rpc_message *message) {
    connection->group->census->used |= !methods_only_looks(message->method);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(methods[i].name, message->method) != 0)
            continue;
        if (!methods[i].takes_params && !methods_is_empty_object(message->params))
            methods_refuse_params(address, "this method takes none");
        else
            methods[i].run(connection, address, message);
        return;
    }
    char *why = xasprintf("'%.100s'", message->method);
    methods_refuse(address, RPC_METHOD_NOT_FOUND, "Method not found", why);
    free(why);
}

/* `initialize` of an editor: the connection becomes a language server's. Returns false where the message is none. */
static bool methods_begin_language_server(struct connection *connection, const struct rpc_message *message,
                                          struct json_span text) {
    char *why = NULL;
    if (message->id == NULL || strcmp(message->method, "initialize") != 0 || !language_server_may_begin(connection))
        return false;
    int status = language_server_begin(&server_of(connection)->language_servers, connection, text, &why);
    if (status < 0)
        return_address_unavailable(return_address_new(connection, NULL, message->id), why, status != -ENOENT);
    free(why);
    return true;
}

static void methods_handle_one(struct connection *connection, struct request_batch *batch, struct json_span text) {
    struct rpc_message message;
    const char *why;
    int code = rpc_parse(text.text, text.len, &message, &why);
    if (code != 0) {
        methods_refuse(return_address_new(connection, batch, message.id ? message.id : "null"), code, "Invalid Request",
                       why);
    } else if (message.method != NULL && batch == NULL && methods_begin_language_server(connection, &message, text)) {
        /* the language server answers */
    } else if (message.method != NULL) {
        methods_call(connection, return_address_new(connection, batch, message.id), &message);
    } /* else a response: the server has asked nothing */
    rpc_message_deinit(&message);
}

struct batch_context {
    struct connection *connection;
    struct request_batch *batch;
};

static void methods_handle_element(struct json_span element, void *context) {
    struct batch_context *c = context;
    methods_handle_one(c->connection, c->batch, element);
}

static void methods_count_element(struct json_span element, void *context) {
    ++*(size_t *)context;
}

/* A batch is taken as a whole, so that it may not have more requests than may be open. */
static void methods_handle_batch(struct connection *connection, const char *text, size_t len) {
    size_t count = 0, limit = connection->group->options->open_limit;
    json_each_element(text, len, methods_count_element, &count);
    if (count == 0 || count > limit) {
        char *why = count ? xasprintf("a batch of more than %zu requests", limit) : xstrdup("an empty batch");
        methods_refuse(return_address_new(connection, NULL, "null"), RPC_INVALID_REQUEST, "Invalid Request", why);
        free(why);
        return;
    }
    struct batch_context context = {connection, request_batch_new(connection)};
    json_each_element(text, len, methods_handle_element, &context);
    request_batch_leave(context.batch);
}

/* Answers a text that is no JSON; or that is, and holds a lone surrogate that stands for no byte: then the request is
 * known. */
static void methods_refuse_text(struct connection *connection, const char *text, size_t len, const char *why) {
    char *id = rpc_refused_id(text, len, &connection->group->options->json);
    if (id != NULL)
        methods_refuse_params(return_address_new(connection, NULL, id), why);
    else
        methods_refuse(return_address_new(connection, NULL, "null"), RPC_PARSE_ERROR, "Parse error", why);
    free(id);
}

static void methods_handle(struct connection *connection, const char *text, size_t len) {
    struct server *server = server_of(connection);
    const char *why = json_check_within(text, len, &connection->group->options->json);
    if (why != NULL) {
        methods_refuse_text(connection, text, len, why);
        return;
    }
    while (strchr(" \t\r\n", *text))
        text++, len--;
    if (*text == '[')
        methods_handle_batch(connection, text, len);
    else
        methods_handle_one(connection, NULL, (struct json_span){text, len});
    if (server->shutdown_asked)
        server_drain(server, "a client asked for it");
}

const struct connection_events methods_events = {
    .message = methods_handle,
};
