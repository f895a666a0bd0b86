/* A JSON-RPC batch: the answers to an array of requests, gathered until the last one is there and sent as one array. */
#pragma once

#include "base/buffer.h"

struct connection;
struct request_batch;

/* Makes a batch with one member, its creator, which leaves by request_batch_leave() when all requests have been taken.
 */
struct request_batch *request_batch_new(struct connection *connection);

/* One more answer is to come. */
void request_batch_join(struct request_batch *batch);

/* Gathers an answer, which the connection is charged for. */
void request_batch_add(struct request_batch *batch, const struct buffer *answer);

/* No answer (more) comes from this member. After the last member the array is sent and the batch freed. */
void request_batch_leave(struct request_batch *batch);

/* The connection is closing: it is charged no more, and gets no answer. */
void request_batch_detach(struct request_batch *batch);
