/* Where one request's answer goes: alone to its connection, or into the array that answers a batch. */
#pragma once

#include "proto/json.h"

struct connection;
struct batch;

/* Takes an answer instead of the connection: exactly one span has a text; none where there will be no answer. */
typedef void reply_hook(void *owner, struct json_span result, struct json_span error);

struct reply {
    struct connection *connection;
    struct batch *batch; /* or NULL */
    char *id;            /* raw JSON text; NULL: a notification, which gets no answer */
    reply_hook *hook;    /* or NULL */
    void *owner;         /* the hook's */
};

/* The answers of a JSON-RPC batch, gathered until the last is there. */
struct batch *batch_new(struct connection *connection);

/* Says that all requests of the batch have been taken; sends the array once they are answered. */
void batch_complete(struct batch *batch);

/* Makes a reply; `id` (raw JSON text or NULL) is copied. */
struct reply *reply_new(struct connection *connection, struct batch *batch, const char *id);

/* Makes a reply to the server itself, on behalf of a client. The hook is called once. */
struct reply *reply_new_hooked(struct connection *connection, reply_hook *hook, void *owner);

/* Answer, and free the reply. `data` may be NULL and is deleted. */
void reply_result(struct reply *reply, struct json_span result);
void reply_raw_error(struct reply *reply, struct json_span error);
void reply_error(struct reply *reply, int code, const char *message, cJSON *data);

/* Frees the reply without an answer: its connection is going. */
void reply_drop(struct reply *reply);
