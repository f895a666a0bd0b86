/* The connection to the daemon. Calls stay in one list from daemon_link_call() until they are answered. */
#include "client/lsp/daemon_link.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "proto/rpc.h"

/* The most times that a call is sent. */
#define ATTEMPTS_MAX 3

struct daemon_call {
    struct list link;
    int64_t id;
    const char *method;
    struct buffer params; /* JSON text of the object without its closing brace: `python` is added when it is sent */
    unsigned attempts;
    bool sent;
    daemon_done *done;
    void *context;
};

static struct daemon_call *call_of(struct list *at) {
    return list_entry(at, struct daemon_call, link);
}

static void call_free(struct daemon_call *call) {
    list_remove(&call->link);
    buffer_deinit(&call->params);
    free(call);
}

/* Removes, answers and frees the call. */
static void call_finish(struct daemon_call *call, const struct daemon_answer *answer) {
    list_remove(&call->link);
    call->done(call->context, answer);
    call_free(call);
}

void daemon_link_init(struct daemon_link *link) {
    *link = (struct daemon_link){.socket_path = paths_socket()};
    dialer_init(&link->dialer);
    list_init(&link->calls);
}

static void daemon_link_disconnect(struct daemon_link *link) {
    if (link->connected)
        rpc_client_deinit(&link->client);
    link->connected = false;
    free(link->chosen);
    link->chosen = NULL;
}

void daemon_link_deinit(struct daemon_link *link) {
    daemon_link_disconnect(link);
    dialer_deinit(&link->dialer);
    while (!list_empty(&link->calls))
        call_free(call_of(link->calls.next));
    free(link->socket_path);
    free(link->folder);
    free(link->python);
}

static struct daemon_call *daemon_link_find(struct daemon_link *link, int64_t id) {
    list_each(at, &link->calls) {
        if (call_of(at)->id == id)
            return call_of(at);
    }
    return NULL;
}

/* Answers all calls with the reason why there is no daemon. Calls that the callbacks make wait for the next attempt to
 * connect. */
static void daemon_link_fail_all(struct daemon_link *link, const char *why) {
    int64_t last = link->last_id;
    while (!list_empty(&link->calls) && call_of(link->calls.next)->id <= last)
        call_finish(call_of(link->calls.next), &(struct daemon_answer){.why = why});
}

static void daemon_link_dial(struct daemon_link *link) {
    if (link->connected || link->dialer.pid > 0)
        return;
    enum autostart_when when = link->was_connected ? AUTOSTART_AGAIN : AUTOSTART_DEFAULT;
    int error = dialer_start(&link->dialer, when, link->socket_path, link->python ? NULL : link->folder);
    if (error < 0)
        daemon_link_fail_all(link, strerror(-error));
}

static void daemon_link_send_call(struct daemon_link *link, struct daemon_call *call) {
    const char *python = link->python ? link->python : link->chosen;
    struct buffer params = {0};
    buffer_append(&params, call->params.data, call->params.len);
    if (python != NULL) {
        buffer_append_string(&params, params.len > 1 ? ",\"python\":" : "\"python\":");
        json_print_string(python, &params);
    }
    buffer_append_char(&params, '}');
    rpc_client_queue(&link->client, call->id, call->method, &params);
    buffer_deinit(&params);
    call->sent = true;
    call->attempts++;
}

static void daemon_link_send_waiting(struct daemon_link *link) {
    if (!link->connected)
        return;
    list_each(at, &link->calls) {
        if (!call_of(at)->sent)
            daemon_link_send_call(link, call_of(at));
    }
}

/* Returns a call that has been sent too often, or NULL. */
static struct daemon_call *daemon_link_exhausted(struct daemon_link *link) {
    list_each(at, &link->calls) {
        if (call_of(at)->attempts >= ATTEMPTS_MAX)
            return call_of(at);
    }
    return NULL;
}

/* The connection is lost. Calls that were under way are sent again; calls that were sent too often fail. */
static void daemon_link_lose(struct daemon_link *link) {
    static const struct daemon_answer given_up = {.why = "the connection to the daemon is lost again and again"};
    daemon_link_disconnect(link);
    list_each(at, &link->calls) {
        call_of(at)->sent = false;
    }
    for (struct daemon_call *call; (call = daemon_link_exhausted(link)) != NULL;)
        call_finish(call, &given_up);
    if (!list_empty(&link->calls))
        daemon_link_dial(link);
}

static bool daemon_link_same_text(const char *a, const char *b) {
    return a != NULL && b != NULL ? strcmp(a, b) == 0 : a == b;
}

void daemon_link_set_python(struct daemon_link *link, const char *folder, const char *python) {
    if (daemon_link_same_text(folder, link->folder) && daemon_link_same_text(python, link->python))
        return;
    free(link->folder);
    free(link->python);
    link->folder = folder ? xstrdup(folder) : NULL;
    link->python = python ? xstrdup(python) : NULL;
    list_each(at, &link->calls) {
        call_of(at)->attempts = 0;
    }
    dialer_deinit(&link->dialer);
    daemon_link_lose(link);
}

void daemon_link_warm_up(struct daemon_link *link) {
    daemon_link_dial(link);
}

int64_t daemon_link_call(struct daemon_link *link, const char *method, cJSON *params, daemon_done *done,
                         void *context) {
    struct daemon_call *call = xcalloc(1, sizeof *call);
    *call = (struct daemon_call){.id = ++link->last_id, .method = method, .done = done, .context = context};
    json_print(params, &call->params);
    cJSON_Delete(params);
    call->params.len--; /* the closing brace */
    list_append(&link->calls, &call->link);
    return call->id;
}

void daemon_link_drop(struct daemon_link *link, int64_t id) {
    struct daemon_call *call = daemon_link_find(link, id);
    if (call == NULL)
        return;
    if (call->sent && link->connected) {
        struct buffer params = {0};
        buffer_printf(&params, "{\"id\":%" PRId64 "}", id);
        rpc_write_notification(&link->client.out, "$/cancelRequest", params.data, params.len);
        buffer_append_char(&link->client.out, '\n');
        buffer_deinit(&params);
    }
    call_free(call);
}

struct pollfd daemon_link_poll(const struct daemon_link *link) {
    if (!link->connected)
        return (struct pollfd){link->dialer.fd, POLLIN, 0};
    short events = POLLIN;
    if (rpc_client_unsent(&link->client) > 0)
        events |= POLLOUT;
    return (struct pollfd){link->client.fd, events, 0};
}

static void daemon_link_take_connection(struct daemon_link *link) {
    char *why;
    int fd = dialer_take(&link->dialer, &link->chosen, &why);
    if (fd >= 0) {
        rpc_client_init(&link->client, fd);
        link->connected = link->was_connected = true;
    } else {
        daemon_link_fail_all(link, why);
    }
    free(why);
}

/* Whether the error means that the daemon is about to exit, and the next one will answer. */
static bool daemon_link_is_retryable(const cJSON *error) {
    return json_get_number(error, "code", 0) == RPC_UNAVAILABLE &&
           json_get_bool(cJSON_GetObjectItemCaseSensitive(error, "data"), "retryable");
}

/* Returns false where nothing more can be taken from this connection. */
static bool daemon_link_take_answer(struct daemon_link *link, const struct rpc_answer *answer) {
    const char *why;
    bool failed = answer->error.text != NULL;
    struct json_span span = failed ? answer->error : answer->result;
    struct daemon_call *call = daemon_link_find(link, answer->id);
    if (call == NULL)
        return true; /* it was cancelled */
    cJSON *tree = json_parse(span.text, span.len, &why);
    bool again = tree == NULL || (failed && daemon_link_is_retryable(tree) && call->attempts < ATTEMPTS_MAX);
    if (!again)
        call_finish(call, &(struct daemon_answer){failed ? NULL : tree, failed ? tree : NULL, NULL});
    cJSON_Delete(tree);
    return !again;
}

static void daemon_link_exchange(struct daemon_link *link) {
    struct rpc_answer answer;
    enum rpc_step read = rpc_client_read(&link->client), step = RPC_STEP_ANSWER;
    while (link->connected && step == RPC_STEP_ANSWER) {
        step = rpc_client_next(&link->client, &answer);
        if (step == RPC_STEP_ANSWER && !daemon_link_take_answer(link, &answer))
            step = RPC_STEP_BROKEN;
    }
    if (link->connected && (read == RPC_STEP_CLOSED || step == RPC_STEP_BROKEN))
        daemon_link_lose(link);
}

void daemon_link_handle(struct daemon_link *link, short revents) {
    if (!link->connected && revents != 0)
        daemon_link_take_connection(link);
    else if (revents & (POLLIN | POLLERR | POLLHUP))
        daemon_link_exchange(link);
    if (!link->connected && !list_empty(&link->calls))
        daemon_link_dial(link);
    daemon_link_send_waiting(link);
    if (link->connected && rpc_client_write(&link->client) == RPC_STEP_CLOSED)
        daemon_link_lose(link);
}
