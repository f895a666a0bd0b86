/* The array is written as the answers come; its length is what the connection is charged for. */
#include "daemon/peers/request_batch.h"

#include <stdlib.h>

#include "daemon/peers/connection.h"

struct request_batch {
    struct connection *connection; /* NULL: it is closing */
    unsigned members;              /* answers to come, and one for the creator */
    struct buffer answers;
    size_t held; /* bytes that the connection is charged for */
};

struct request_batch *request_batch_new(struct connection *connection) {
    struct request_batch *batch = xcalloc(1, sizeof *batch);
    batch->connection = connection;
    batch->members = 1;
    return batch;
}

void request_batch_join(struct request_batch *batch) {
    batch->members++;
}

void request_batch_add(struct request_batch *batch, const struct buffer *answer) {
    if (batch->connection == NULL)
        return;
    buffer_append_char(&batch->answers, batch->answers.len ? ',' : '[');
    buffer_append(&batch->answers, answer->data, answer->len);
    batch->held += answer->len + 1;
    connection_hold(batch->connection, answer->len + 1);
}

void request_batch_detach(struct request_batch *batch) {
    if (batch->connection != NULL)
        connection_release(batch->connection, batch->held);
    batch->connection = NULL;
}

void request_batch_leave(struct request_batch *batch) {
    if (--batch->members > 0)
        return;
    struct connection *connection = batch->connection;
    request_batch_detach(batch);
    if (connection != NULL && batch->answers.len > 0) {
        buffer_append_char(&batch->answers, ']');
        connection_send(connection, batch->answers.data, batch->answers.len);
    }
    buffer_deinit(&batch->answers);
    free(batch);
}
