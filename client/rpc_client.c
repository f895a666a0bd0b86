/* Pipelining without threads: bytes are queued, written as the socket takes them, and read as they come. */
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
/* The id of a call: no other request has one so high. */
#define CALL_ID ((int64_t)1 << 52)

struct rpc_aside {
    struct list link;
    struct rpc_answer answer; /* its spans are in `text` */
    char text[];
};

void rpc_client_init(struct rpc_client *client, int fd) {
    *client = (struct rpc_client){.fd = fd, .wake_fd = -1, .active_ms = clock_ms()};
    list_init(&client->aside);
    frame_reader_init(&client->in, FRAME_LIMIT_DEFAULT);
}

void rpc_client_deinit(struct rpc_client *client) {
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    buffer_deinit(&client->out);
    client->sent = 0;
    frame_reader_deinit(&client->in);
    free(client->handed);
    client->handed = NULL;
    cJSON_Delete(client->error);
    client->error = NULL;
    list_each(link, &client->aside)
        free(list_entry(link, struct rpc_aside, link));
    list_init(&client->aside);
}

void rpc_client_queue(struct rpc_client *client, int64_t id, const char *method, const struct buffer *params) {
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, id);
    rpc_write_request(&client->out, text, method, params ? params->data : NULL, params ? params->len : 0);
    buffer_append_char(&client->out, '\n');
    client->active_ms = clock_ms();
}

int rpc_client_quiet_left(const struct rpc_client *client) {
    return client->quiet != NULL ? clock_left(client->active_ms + client->quiet_ms) : -1;
}

size_t rpc_client_unsent(const struct rpc_client *client) {
    return client->out.len - client->sent;
}

static bool rpc_client_would_wait(void) {
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

enum rpc_step rpc_client_write(struct rpc_client *client) {
    while (client->sent < client->out.len) {
        ssize_t len = send(client->fd, client->out.data + client->sent, rpc_client_unsent(client), MSG_NOSIGNAL);
        if (len >= 0)
            client->sent += (size_t)len;
        else if (rpc_client_would_wait())
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
    if (len > 0) {
        frame_reader_commit(&client->in, (size_t)len);
        client->active_ms = clock_ms();
    }
    if (len == 0 || (len < 0 && !rpc_client_would_wait() && errno != EINTR))
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

/* Takes the next response that was read. */
static enum rpc_step rpc_client_take(struct rpc_client *client, struct rpc_answer *answer) {
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

/* Copies a span behind the text at *end. */
static struct json_span rpc_aside_copy(char **end, struct json_span span) {
    if (span.text == NULL)
        return span;
    memcpy(*end, span.text, span.len);
    struct json_span copy = {*end, span.len};
    *end += span.len;
    return copy;
}

static void rpc_client_set_aside(struct rpc_client *client, const struct rpc_answer *answer) {
    struct rpc_aside *aside = xmalloc(sizeof *aside + answer->result.len + answer->error.len);
    char *end = aside->text;
    aside->answer.id = answer->id;
    aside->answer.result = rpc_aside_copy(&end, answer->result);
    aside->answer.error = rpc_aside_copy(&end, answer->error);
    list_append(&client->aside, &aside->link);
}

enum rpc_step rpc_client_next(struct rpc_client *client, struct rpc_answer *answer) {
    free(client->handed);
    client->handed = NULL;
    if (list_empty(&client->aside))
        return rpc_client_take(client, answer);
    client->handed = list_entry(client->aside.next, struct rpc_aside, link);
    list_remove(&client->handed->link);
    *answer = client->handed->answer;
    return RPC_STEP_ANSWER;
}

static cJSON *rpc_client_result(struct rpc_client *client, const struct rpc_answer *answer, char **why) {
    const char *error;
    struct json_span span = answer->error.text ? answer->error : answer->result;
    cJSON *tree = json_parse(span.text, span.len, &error);
    if (tree == NULL) {
        *why = xasprintf("the daemon's answer is not understood: %s", error);
    } else if (answer->error.text != NULL) {
        const char *message = json_get_string(tree, "message");
        *why = xstrdup(message ? message : "the daemon answered with an error");
        client->error = tree;
        tree = NULL;
    }
    return tree;
}

/* Waits for the socket. Returns 0 once it is worth a read, or a negative errno value and a message. */
static int rpc_client_wait(struct rpc_client *client, int64_t deadline, char **why) {
    for (;;) {
        bool closed = rpc_client_write(client) == RPC_STEP_CLOSED;
        int left = clock_left(deadline), quiet = rpc_client_quiet_left(client);
        short events = rpc_client_unsent(client) > 0 ? POLLIN | POLLOUT : POLLIN;
        struct pollfd polled[] = {{client->fd, events, 0}, {client->wake_fd, POLLIN, 0}};
        int ready = closed ? 1 : poll(polled, 2, quiet >= 0 && quiet < left ? quiet : left);
        if (ready < 0 && errno != EINTR) {
            *why = xasprintf("cannot wait for the daemon: %s", strerror(errno));
            return -errno;
        }
        if (ready > 0 && polled[1].revents != 0) {
            *why = xstrdup("interrupted");
            return -EINTR;
        }
        if (ready > 0)
            return 0;
        if (ready == 0 && clock_left(deadline) == 0) {
            *why = xstrdup("the daemon does not answer");
            return -ETIMEDOUT;
        }
        if (ready == 0 && rpc_client_quiet_left(client) == 0) {
            int result = client->quiet(client->context, why);
            client->active_ms = clock_ms();
            if (result < 0)
                return result;
        }
    }
}

cJSON *rpc_client_call(struct rpc_client *client, const char *method, const struct buffer *params, int64_t deadline,
                       char **why) {
    struct rpc_answer answer;
    *why = NULL;
    cJSON_Delete(client->error);
    client->error = NULL;
    rpc_client_queue(client, CALL_ID, method, params);
    for (;;) {
        enum rpc_step step = rpc_client_take(client, &answer);
        if (step == RPC_STEP_ANSWER && (answer.id == CALL_ID || answer.id < 0))
            return rpc_client_result(client, &answer, why);
        if (step == RPC_STEP_ANSWER) {
            rpc_client_set_aside(client, &answer);
            continue;
        }
        if (step == RPC_STEP_BROKEN) {
            *why = xstrdup("what listens there does not speak JSON-RPC 2.0");
            return NULL;
        }
        if (rpc_client_wait(client, deadline, why) < 0)
            return NULL;
        if (rpc_client_read(client) == RPC_STEP_CLOSED) {
            *why = xstrdup("the daemon closed the connection");
            return NULL;
        }
    }
}

bool rpc_client_is_retryable(struct json_span error) {
    struct json_span code = json_member(error.text, error.len, "code");
    if (code.text == NULL || atoi(code.text) != RPC_UNAVAILABLE)
        return false;
    struct json_span data = json_member(error.text, error.len, "data");
    if (data.text == NULL || *data.text != '{')
        return false;
    struct json_span retryable = json_member(data.text, data.len, "retryable");
    return retryable.text != NULL && *retryable.text == 't';
}
