/* See rpc_client.h. */
#include "client/rpc_client.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "proto/rpc.h"

#define READ_SIZE 65536

void rpc_client_init(struct rpc_client *client, int fd) {
    *client = (struct rpc_client){.fd = fd};
    frame_reader_init(&client->in, FRAME_LIMIT_DEFAULT);
}

void rpc_client_deinit(struct rpc_client *client) {
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    buffer_deinit(&client->out);
    client->sent = 0;
    frame_reader_deinit(&client->in);
}

void rpc_client_queue(struct rpc_client *client, int64_t id, const char *method, const struct buffer *params) {
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, id);
    rpc_write_request(&client->out, text, method, params ? params->data : NULL, params ? params->len : 0);
    buffer_append_char(&client->out, '\n');
}

size_t rpc_client_unsent(const struct rpc_client *client) {
    return client->out.len - client->sent;
}

static bool would_wait(void) {
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

enum rpc_step rpc_client_write(struct rpc_client *client) {
    while (client->sent < client->out.len) {
        ssize_t len = send(client->fd, client->out.data + client->sent, rpc_client_unsent(client), MSG_NOSIGNAL);
        if (len >= 0)
            client->sent += (size_t)len;
        else if (would_wait())
            break;
        else if (errno != EINTR)
            return RPC_STEP_CLOSED;
    }
    if (client->sent > 0 && client->sent * 2 >= client->out.len) {
        buffer_consume(&client->out, client->sent);
        client->sent = 0;
    }
    return RPC_STEP_WAIT;
}

enum rpc_step rpc_client_read(struct rpc_client *client) {
    char *room = frame_reader_reserve(&client->in, READ_SIZE);
    ssize_t len = recv(client->fd, room, READ_SIZE, 0);
    if (len > 0)
        frame_reader_commit(&client->in, (size_t)len);
    if (len == 0 || (len < 0 && !would_wait() && errno != EINTR))
        return RPC_STEP_CLOSED;
    return RPC_STEP_WAIT;
}

static int64_t parse_id(const char *text) {
    if (text == NULL || *text < '0' || *text > '9')
        return -1;
    char *end;
    errno = 0;
    long long id = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' ? id : -1;
}

enum rpc_step rpc_client_next(struct rpc_client *client, struct rpc_answer *answer) {
    const char *text, *why;
    size_t len;
    for (;;) {
        enum frame_status status = frame_reader_next(&client->in, &text, &len);
        if (status == FRAME_NONE)
            return RPC_STEP_WAIT;
        if (status != FRAME_READY || json_check(text, len) != NULL)
            return RPC_STEP_BROKEN;
        struct rpc_message message;
        int code = rpc_parse(text, len, &message, &why);
        bool response = code == 0 && message.method == NULL;
        if (code == 0 && message.method != NULL && client->notified != NULL)
            client->notified(client->context, message.method, message.params);
        *answer = (struct rpc_answer){parse_id(message.id), message.result, message.error};
        rpc_message_deinit(&message);
        if (code != 0)
            return RPC_STEP_BROKEN;
        if (response)
            return RPC_STEP_ANSWER;
        /* A notification. */
    }
}

static cJSON *take_result(const struct rpc_answer *answer, char **why) {
    const char *error;
    struct json_span span = answer->error.text ? answer->error : answer->result;
    cJSON *tree = json_parse(span.text, span.len, &error);
    if (tree == NULL) {
        *why = xasprintf("the daemon's answer is not understood: %s", error);
    } else if (answer->error.text != NULL) {
        const char *message = json_get_string(tree, "message");
        *why = xstrdup(message ? message : "the daemon answered with an error");
        cJSON_Delete(tree);
        tree = NULL;
    }
    return tree;
}

cJSON *rpc_client_call(struct rpc_client *client, const char *method, const struct buffer *params, int64_t deadline,
                       char **why) {
    struct rpc_answer answer;
    *why = NULL;
    rpc_client_queue(client, 0, method, params);
    for (;;) {
        enum rpc_step step = rpc_client_next(client, &answer);
        if (step == RPC_STEP_ANSWER)
            return take_result(&answer, why);
        if (step == RPC_STEP_BROKEN) {
            *why = xstrdup("what listens there does not speak JSON-RPC 2.0");
            return NULL;
        }
        bool closed = rpc_client_write(client) == RPC_STEP_CLOSED;
        struct pollfd p = {client->fd, POLLIN, 0};
        if (rpc_client_unsent(client) > 0)
            p.events |= POLLOUT;
        int ready = closed ? 1 : poll(&p, 1, clock_left(deadline));
        if (ready == 0) {
            *why = xstrdup("the daemon does not answer");
            return NULL;
        }
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready < 0) {
            *why = xasprintf("cannot wait for the daemon: %s", strerror(errno));
            return NULL;
        }
        if (rpc_client_read(client) == RPC_STEP_CLOSED) {
            *why = xstrdup("the daemon closed the connection");
            return NULL;
        }
    }
}
