/* See reply.h. */
#include "daemon/peers/reply.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "daemon/peers/connection.h"
#include "proto/rpc.h"

struct batch {
    struct connection *connection; /* NULL once it is going */
    unsigned open;                 /* replies, and one until batch_complete() */
    struct buffer answers;
    size_t held; /* of the answers: what the connection is charged with */
};

struct batch *batch_new(struct connection *connection) {
    struct batch *batch = xcalloc(1, sizeof *batch);
    batch->connection = connection;
    batch->open = 1;
    return batch;
}

/* The connection is charged no more, and gets nothing more. */
static struct connection *batch_detach(struct batch *batch) {
    struct connection *connection = batch->connection;
    batch->connection = NULL;
    if (connection != NULL)
        connection_release(connection, batch->held);
    return connection;
}

static void batch_leave(struct batch *batch) {
    if (--batch->open > 0)
        return;
    struct connection *connection = batch_detach(batch);
    if (connection != NULL && batch->answers.len > 0) {
        buffer_append_char(&batch->answers, ']');
        connection_send(connection, batch->answers.data, batch->answers.len);
    }
    buffer_deinit(&batch->answers);
    free(batch);
}

static void batch_add(struct batch *batch, const struct buffer *answer) {
    if (batch->connection == NULL)
        return;
    buffer_append_char(&batch->answers, batch->answers.len ? ',' : '[');
    buffer_append(&batch->answers, answer->data, answer->len);
    batch->held += answer->len + 1;
    connection_hold(batch->connection, answer->len + 1);
}

void batch_complete(struct batch *batch) {
    batch_leave(batch);
}

struct reply *reply_new(struct connection *connection, struct batch *batch, const char *id) {
    struct reply *reply = xcalloc(1, sizeof *reply);
    reply->connection = connection;
    reply->batch = batch;
    reply->id = id ? xstrdup(id) : NULL;
    if (batch != NULL)
        batch->open++;
    return reply;
}

struct reply *reply_new_hooked(struct connection *connection, reply_hook *hook, void *owner) {
    struct reply *reply = reply_new(connection, NULL, NULL);
    reply->hook = hook;
    reply->owner = owner;
    return reply;
}

static void reply_free(struct reply *reply) {
    if (reply->batch != NULL)
        batch_leave(reply->batch);
    free(reply->id);
    free(reply);
}

/* Sends or gathers the text in *answer and empties it. */
static void deliver(struct reply *reply, struct buffer *answer) {
    if (reply->id == NULL) {
        /* notifications are not answered */
    } else if (reply->batch == NULL) {
        connection_send(reply->connection, answer->data, answer->len);
    } else {
        batch_add(reply->batch, answer);
    }
    buffer_deinit(answer);
    reply_free(reply);
}

/* Whether the answer was for a hook; then all is done. */
static bool give_hook(struct reply *reply, struct json_span result, struct json_span error) {
    reply_hook *hook = reply->hook;
    void *owner = reply->owner;
    if (hook == NULL)
        return false;
    reply_free(reply);
    hook(owner, result, error);
    return true;
}

static const struct json_span nothing = {NULL, 0};

void reply_result(struct reply *reply, struct json_span result) {
    struct buffer answer = {0};
    if (give_hook(reply, result, nothing))
        return;
    rpc_write_result(&answer, reply->id, result.text, result.len);
    deliver(reply, &answer);
}

void reply_raw_error(struct reply *reply, struct json_span error) {
    struct buffer answer = {0};
    if (give_hook(reply, nothing, error))
        return;
    rpc_write_raw_error(&answer, reply->id, error.text, error.len);
    deliver(reply, &answer);
}

void reply_error(struct reply *reply, int code, const char *message, cJSON *data) {
    struct buffer answer = {0};
    rpc_write_error(&answer, reply->id, code, message, data);
    cJSON_Delete(data);
    if (give_hook(reply, nothing, json_member(answer.data, answer.len, "error")))
        buffer_deinit(&answer);
    else
        deliver(reply, &answer);
}

void reply_drop(struct reply *reply) {
    if (give_hook(reply, nothing, nothing))
        return;
    if (reply->batch != NULL)
        batch_detach(reply->batch);
    reply_free(reply);
}
