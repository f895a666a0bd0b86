/* See link.h. */
#include "client/lsp/link.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "proto/rpc.h"

/* How often a call is made in all. */
#define ATTEMPTS_MAX 3

struct link_call {
    struct link_call *next;
    int64_t id;
    const char *method;
    struct buffer params; /* JSON text of the object without its end: the Python is told as it is sent */
    unsigned attempts;
    bool sent;
    link_done *done;
    void *context;
};

static void call_free(struct link_call *call) {
    buffer_deinit(&call->params);
    free(call);
}

void link_init(struct link *link) {
    *link = (struct link){.socket_path = paths_socket()};
    dialer_init(&link->dialer);
}

static void disconnect(struct link *link) {
    if (link->connected)
        rpc_client_deinit(&link->client);
    link->connected = false;
    free(link->chosen);
    link->chosen = NULL;
}

void link_deinit(struct link *link) {
    disconnect(link);
    dialer_deinit(&link->dialer);
    for (struct link_call *call; (call = link->calls) != NULL;) {
        link->calls = call->next;
        call_free(call);
    }
    free(link->socket_path);
    free(link->folder);
    free(link->python);
}

/* Where the call is linked from; it points to NULL where there is none of that number. */
static struct link_call **find(struct link *link, int64_t id) {
    struct link_call **at = &link->calls;
    while (*at != NULL && (*at)->id != id)
        at = &(*at)->next;
    return at;
}

static struct link_call *take(struct link_call **at) {
    struct link_call *call = *at;
    *at = call->next;
    return call;
}

/* Answers and frees; the call is in no list any more. */
static void finish(struct link_call *call, const struct link_answer *answer) {
    call->done(call->context, answer);
    call_free(call);
}

/* There is no daemon: answers all that wait. */
static void fail_all(struct link *link, const char *why) {
    int64_t last = link->last_id; /* what the callbacks ask anew is not for now */
    while (link->calls != NULL && link->calls->id <= last)
        finish(take(&link->calls), &(struct link_answer){.why = why});
}

static void dial(struct link *link) {
    if (link->connected || link->dialer.pid > 0)
        return;
    const char *folder = link->python ? NULL : link->folder;
    if (dialer_start(&link->dialer, link->socket_path, folder) < 0)
        fail_all(link, strerror(errno));
}

static void send_call(struct link *link, struct link_call *call) {
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

static void send_waiting(struct link *link) {
    for (struct link_call *call = link->calls; call != NULL && link->connected; call = call->next)
        if (!call->sent)
            send_call(link, call);
}

/* The connection is over: what was under way is asked again, but for what was asked too often. */
static void lost(struct link *link) {
    disconnect(link);
    struct link_call *given_up = NULL, **last = &given_up;
    for (struct link_call **at = &link->calls; *at != NULL;) {
        (*at)->sent = false;
        if ((*at)->attempts < ATTEMPTS_MAX) {
            at = &(*at)->next;
            continue;
        }
        *last = take(at);
        (*last)->next = NULL;
        last = &(*last)->next;
    }
    while (given_up != NULL)
        finish(take(&given_up), &(struct link_answer){.why = "the connection to the daemon is lost again and again"});
    if (link->calls != NULL)
        dial(link);
}

void link_set_python(struct link *link, const char *folder, const char *python) {
    bool same_folder = folder && link->folder ? strcmp(folder, link->folder) == 0 : folder == link->folder;
    bool same_python = python && link->python ? strcmp(python, link->python) == 0 : python == link->python;
    if (same_folder && same_python)
        return;
    free(link->folder);
    free(link->python);
    link->folder = folder ? xstrdup(folder) : NULL;
    link->python = python ? xstrdup(python) : NULL;
    for (struct link_call *call = link->calls; call != NULL; call = call->next)
        call->attempts = 0;
    dialer_deinit(&link->dialer);
    lost(link);
}

void link_warm_up(struct link *link) {
    dial(link);
}

int64_t link_call(struct link *link, const char *method, cJSON *params, link_done *done, void *context) {
    struct link_call *call = xcalloc(1, sizeof *call);
    *call = (struct link_call){.id = ++link->last_id, .method = method, .done = done, .context = context};
    json_print(params, &call->params);
    cJSON_Delete(params);
    call->params.len--;     /* the brace */
    *find(link, -1) = call; /* at the end */
    return call->id;
}

void link_drop(struct link *link, int64_t id) {
    struct link_call **at = find(link, id);
    if (*at == NULL)
        return;
    if ((*at)->sent && link->connected) {
        struct buffer params = {0};
        buffer_printf(&params, "{\"id\":%" PRId64 "}", id);
        rpc_write_notification(&link->client.out, "$/cancelRequest", params.data, params.len);
        buffer_append_char(&link->client.out, '\n');
        buffer_deinit(&params);
    }
    call_free(take(at));
}

struct pollfd link_poll(const struct link *link) {
    if (!link->connected)
        return (struct pollfd){link->dialer.fd, POLLIN, 0};
    short events = POLLIN;
    if (rpc_client_unsent(&link->client) > 0)
        events |= POLLOUT;
    return (struct pollfd){link->client.fd, events, 0};
}

static void take_connection(struct link *link) {
    char *why;
    int fd = dialer_take(&link->dialer, &link->chosen, &why);
    if (fd >= 0) {
        rpc_client_init(&link->client, fd);
        link->connected = true;
    } else {
        fail_all(link, why);
    }
    free(why);
}

/* A daemon that is about to leave: the next one answers. */
static bool is_retryable(const cJSON *error) {
    return json_get_number(error, "code", 0) == RPC_UNAVAILABLE &&
           json_get_bool(cJSON_GetObjectItemCaseSensitive(error, "data"), "retryable");
}

/* Returns false where nothing more can be taken from this connection. */
static bool take_answer(struct link *link, const struct rpc_answer *answer) {
    const char *why;
    bool failed = answer->error.text != NULL;
    struct json_span span = failed ? answer->error : answer->result;
    struct link_call **at = find(link, answer->id);
    if (*at == NULL)
        return true; /* it was cancelled */
    cJSON *tree = json_parse(span.text, span.len, &why);
    bool again = tree == NULL || (failed && is_retryable(tree) && (*at)->attempts < ATTEMPTS_MAX);
    if (!again)
        finish(take(at), &(struct link_answer){failed ? NULL : tree, failed ? tree : NULL, NULL});
    cJSON_Delete(tree);
    return !again;
}

static void exchange(struct link *link) {
    struct rpc_answer answer;
    enum rpc_step read = rpc_client_read(&link->client), step = RPC_STEP_ANSWER;
    while (link->connected && step == RPC_STEP_ANSWER) {
        step = rpc_client_next(&link->client, &answer);
        if (step == RPC_STEP_ANSWER && !take_answer(link, &answer))
            step = RPC_STEP_BROKEN;
    }
    if (link->connected && (read == RPC_STEP_CLOSED || step == RPC_STEP_BROKEN))
        lost(link);
}

void link_handle(struct link *link, short revents) {
    if (!link->connected && revents != 0)
        take_connection(link);
    else if (revents & (POLLIN | POLLERR | POLLHUP))
        exchange(link);
    if (!link->connected && link->calls != NULL)
        dial(link);
    send_waiting(link);
    if (link->connected && rpc_client_write(&link->client) == RPC_STEP_CLOSED)
        lost(link);
}
