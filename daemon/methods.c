/* See methods.h. */
#include "daemon/methods.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "daemon/openrpc.h"
#include "daemon/peers/connection.h"
#include "daemon/peers/language_server.h"
#include "daemon/peers/reply.h"
#include "daemon/pool/job.h"
#include "daemon/pool/pool.h"
#include "daemon/server.h"
#include "daemon/status.h"
#include "daemon/watch/watch.h"
#include "proto/rpc.h"
#include "proto/search_request.h"

/* Bytes from which on a text is passed to the host unread. */
#define LONG_SOURCE 1024

static void refuse(struct reply *reply, int code, const char *name, const char *why) {
    char *message = xasprintf("%s: %s", name, why);
    reply_error(reply, code, message, NULL);
    free(message);
}

static void refuse_params(struct reply *reply, const char *why) {
    refuse(reply, RPC_INVALID_PARAMS, "Invalid params", why);
}

static void refuse_unavailable(struct reply *reply, const char *reason, bool retryable) {
    reply_error(reply, RPC_UNAVAILABLE, reason, unavailable_data(reason, retryable));
}

/* A job for that Python version, or NULL: then there is none, and the request is answered. */
static struct job *make_job(struct connection *connection, struct reply *reply, const char *python, const char *method,
                            struct json_span params, int timeout_ms) {
    struct server *server = connection->server;
    struct pool *pool = server_pool(server, python);
    if (server->draining) {
        refuse_unavailable(reply, "the daemon is shutting down", true);
        return NULL;
    }
    if (pool == NULL) {
        char *reason = server_no_pool_reason(server, python);
        refuse_unavailable(reply, reason, false);
        free(reason);
        return NULL;
    }
    struct job *job = job_new(pool, connection, reply, method, params);
    job->timeout_ms = timeout_ms >= 0 ? (unsigned)timeout_ms : server->options->job_timeout_ms;
    return job;
}

/* Answers the job's request as cancelled; what runs already is finished and discarded. */
static void cancel(struct connection *connection, struct job *job, const char *why) {
    struct reply *reply = job->reply;
    job->reply = NULL;
    connection->server->counters.cancelled++;
    reply_error(reply, RPC_REQUEST_CANCELLED, why, NULL);
    pool_cancel(job);
}

/* The job checks a buffer: an older check of the same one, which the client has not been answered yet, is of no use
 * any more. */
static void supersede(struct connection *connection, struct job *job, const char *file) {
    list_each(link, &connection->jobs) {
        struct job *older = list_entry(link, struct job, client_link);
        if (older->buffer == NULL || older->pool != job->pool || older->reply == NULL ||
            strcmp(older->buffer, file) != 0)
            continue;
        cancel(connection, older, "RequestCancelled: a newer check of the same file has come");
        break;
    }
    job->buffer = xstrdup(file);
}

/* The parameters, with an empty text in place of a long one: what stands in it is for the host alone. */
static cJSON *parse_without_source(struct json_span params, const char **error) {
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

static void compile(struct connection *connection, struct reply *reply, const struct rpc_message *message,
                    const char *method) {
    const char *error;
    char why[160];
    struct compile_request request;
    static const char nothing[] = "{}";
    struct json_span span = message->params.text ? message->params : (struct json_span){nothing, 2};
    cJSON *params = parse_without_source(span, &error);
    if (params == NULL || compile_request_decode(params, &request, why, sizeof why) < 0) {
        refuse_params(reply, params ? why : error);
    } else {
        struct job *job = make_job(connection, reply, request.python, method, span, request.timeout_ms);
        if (job != NULL) {
            job->priority = (enum priority)request.priority;
            if (request.source != NULL && strcmp(method, "check") == 0)
                supersede(connection, job, request.file);
            pool_submit(job->pool, job);
        }
    }
    cJSON_Delete(params);
}

static void do_compile(struct connection *connection, struct reply *reply, const struct rpc_message *message) {
    compile(connection, reply, message, "compile");
}

static void do_check(struct connection *connection, struct reply *reply, const struct rpc_message *message) {
    compile(connection, reply, message, "check");
}

static void do_search(struct connection *connection, struct reply *reply, const struct rpc_message *message) {
    const char *error = "";
    char why[160];
    struct search_request request;
    struct json_span span = message->params;
    cJSON *params = span.text ? json_parse_checked(span.text, span.len, &error) : NULL;
    if ((span.text != NULL && params == NULL) || search_request_decode(params, &request, why, sizeof why) < 0) {
        refuse_params(reply, span.text != NULL && params == NULL ? error : why);
    } else {
        struct job *job = make_job(connection, reply, request.python, "search", span, request.timeout_ms);
        if (job != NULL) {
            job->needs_pristine = job->is_search = true;
            pool_submit(job->pool, job);
        }
    }
    cJSON_Delete(params);
}

static void do_watch(struct connection *connection, struct reply *reply, const struct rpc_message *message) {
    watch_begin(connection, reply, message->params);
}

static void do_unwatch(struct connection *connection, struct reply *reply, const struct rpc_message *message) {
    const char *error = "";
    cJSON *params = message->params.text ? json_parse_checked(message->params.text, message->params.len, &error) : NULL;
    double number = json_get_number(params, "watch", 0);
    if (number < 1)
        refuse_params(reply, "'watch' must be the number of a watch");
    else if (!watch_end(connection, (uint64_t)number))
        refuse_params(reply, "this connection has no watch of that number");
    else
        reply_result(reply, (struct json_span){"{}", 2});
    cJSON_Delete(params);
}

static void do_status(struct connection *connection, struct reply *reply, const struct rpc_message *message) {
    (void)message;
    cJSON *status = status_build(connection->server);
    struct buffer text = {0};
    json_print(status, &text);
    cJSON_Delete(status);
    reply_result(reply, (struct json_span){text.data, text.len});
    buffer_deinit(&text);
}

static void do_shutdown(struct connection *connection, struct reply *reply, const struct rpc_message *message) {
    (void)message;
    reply_result(reply, (struct json_span){"{}", 2});
    server_drain(connection->server, "a client asked for it");
}

static void do_discover(struct connection *connection, struct reply *reply, const struct rpc_message *message) {
    (void)connection;
    (void)message;
    reply_result(reply, (struct json_span){openrpc_document, openrpc_document_len});
}

/* Reads the id that is to be cancelled; ids are compared as they were written. */
static void do_cancel(struct connection *connection, struct reply *reply, const struct rpc_message *message) {
    struct json_span id = message->params.text ? json_member(message->params.text, message->params.len, "id")
                                               : (struct json_span){NULL, 0};
    list_each(link, &connection->jobs) {
        struct job *job = list_entry(link, struct job, client_link);
        const char *open = job->reply != NULL ? job->reply->id : NULL;
        if (id.text != NULL && open != NULL && strlen(open) == id.len && memcmp(open, id.text, id.len) == 0) {
            cancel(connection, job, "RequestCancelled");
            break;
        }
    }
    reply_result(reply, (struct json_span){"null", 4});
}

static const struct method {
    const char *name;
    bool takes_params;
    void (*run)(struct connection *, struct reply *, const struct rpc_message *);
} methods[] = {
    {"compile", true, do_compile},        {"check", true, do_check},
    {"search", true, do_search},          {"watch", true, do_watch},
    {"unwatch", true, do_unwatch},        {"status", false, do_status},
    {"shutdown", false, do_shutdown},     {"rpc.discover", false, do_discover},
    {"$/cancelRequest", true, do_cancel},
};

static bool is_empty_object(struct json_span span) {
    if (span.text == NULL)
        return true;
    const char *error;
    cJSON *tree = json_parse_checked(span.text, span.len, &error);
    bool empty = tree != NULL && tree->child == NULL;
    cJSON_Delete(tree);
    return empty;
}

static void call(struct connection *connection, struct reply *reply, const struct rpc_message *message) {
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(methods[i].name, message->method) != 0)
            continue;
        if (!methods[i].takes_params && !is_empty_object(message->params))
            refuse_params(reply, "this method takes none");
        else
            methods[i].run(connection, reply, message);
        return;
    }
    char *why = xasprintf("'%.100s'", message->method);
    refuse(reply, RPC_METHOD_NOT_FOUND, "Method not found", why);
    free(why);
}

/* `initialize` of an editor: the connection becomes a language server's. Returns false where the message is none. */
static bool begin_language_server(struct connection *connection, const struct rpc_message *message,
                                  struct json_span text) {
    char *why = NULL;
    bool retryable;
    if (message->id == NULL || strcmp(message->method, "initialize") != 0 || !language_server_may_begin(connection))
        return false;
    if (!language_server_begin(connection, text, &why, &retryable))
        refuse_unavailable(reply_new(connection, NULL, message->id), why, retryable);
    free(why);
    return true;
}

static void handle_one(struct connection *connection, struct batch *batch, struct json_span text) {
    struct rpc_message message;
    const char *why;
    int code = rpc_parse(text.text, text.len, &message, &why);
    if (code != 0) {
        refuse(reply_new(connection, batch, message.id ? message.id : "null"), code, "Invalid Request", why);
    } else if (message.method != NULL && batch == NULL && begin_language_server(connection, &message, text)) {
        /* it is the language server that answers */
    } else if (message.method != NULL) {
        call(connection, reply_new(connection, batch, message.id), &message);
    } /* else a response: the server has asked nothing */
    rpc_message_deinit(&message);
}

struct batch_context {
    struct connection *connection;
    struct batch *batch;
};

static void handle_element(struct json_span element, void *context) {
    struct batch_context *c = context;
    handle_one(c->connection, c->batch, element);
}

static void count_element(struct json_span element, void *context) {
    (void)element;
    ++*(size_t *)context;
}

/* A batch is taken as a whole, so it may have no more requests than may be open. */
static void handle_batch(struct connection *connection, const char *text, size_t len) {
    size_t count = 0, limit = connection->server->options->open_limit;
    json_each_element(text, len, count_element, &count);
    if (count == 0 || count > limit) {
        char *why = count ? xasprintf("a batch of more than %zu requests", limit) : xstrdup("an empty batch");
        refuse(reply_new(connection, NULL, "null"), RPC_INVALID_REQUEST, "Invalid Request", why);
        free(why);
        return;
    }
    struct batch_context context = {connection, batch_new(connection)};
    json_each_element(text, len, handle_element, &context);
    batch_complete(context.batch);
}

void methods_handle(struct connection *connection, const char *text, size_t len) {
    const char *why = json_check_within(text, len, &connection->server->options->json);
    if (why != NULL) {
        refuse(reply_new(connection, NULL, "null"), RPC_PARSE_ERROR, "Parse error", why);
        return;
    }
    while (strchr(" \t\r\n", *text))
        text++, len--;
    if (*text == '[')
        handle_batch(connection, text, len);
    else
        handle_one(connection, NULL, (struct json_span){text, len});
}
