/* See reply.h. */
#include "daemon/reply.h"

#include <stdlib.h>

#include "daemon/connection.h"
#include "proto/buffer.h"
#include "proto/rpc.h"

struct batch {
    struct connection *connection; /* NULL once it is going */
    unsigned open;                 /* replies, and one until batch_complete() */
    struct buffer answers;
};

struct batch *batch_new(struct connection *connection) {
    struct batch *batch = xcalloc(1, sizeof *batch);
    batch->connection = connection;
    batch->open = 1;
    return batch;
}

static void batch_leave(struct batch *batch) {
    if (--batch->open > 0)
        return;
    if (batch->connection != NULL && batch->answers.len > 0) {
        buffer_append_char(&batch->answers, ']');
        connection_send(batch->connection, batch->answers.data, batch->answers.len);
    }
    buffer_deinit(&batch->answers);
    free(batch);
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
        buffer_append_char(&reply->batch->answers, reply->batch->answers.len ? ',' : '[');
        buffer_append(&reply->batch->answers, answer->data, answer->len);
    }
    buffer_deinit(answer);
    reply_free(reply);
}

void reply_result(struct reply *reply, struct json_span result) {
    struct buffer answer = {0};
    rpc_write_result(&answer, reply->id, result.text, result.len);
    deliver(reply, &answer);
}

void reply_raw_error(struct reply *reply, struct json_span error) {
    struct buffer answer = {0};
    rpc_write_raw_error(&answer, reply->id, error.text, error.len);
    deliver(reply, &answer);
}

void reply_error(struct reply *reply, int code, const char *message, cJSON *data) {
    struct buffer answer = {0};
    rpc_write_error(&answer, reply->id, code, message, data);
    cJSON_Delete(data);
    deliver(reply, &answer);
}

void reply_drop(struct reply *reply) {
    if (reply->batch != NULL)
        reply->batch->connection = NULL;
    reply_free(reply);
}
