/* The address that one request's answer goes to: its connection, a batch that gathers answers, or a function of the
 * daemon's own. An address is used once: each function that answers frees it. Its connection is charged for it, and
 * must outlive it. */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "proto/json.h"

struct connection;
struct request_batch;

/* Takes an answer instead of the connection: one of the two spans has a text; neither has one where no answer comes. */
typedef void return_address_hook(void *owner, struct json_span result, struct json_span error);

struct return_address {
    struct connection *connection;
    struct request_batch *batch; /* or NULL */
    char *id;                    /* raw JSON text; NULL: a notification, which gets no answer */
    return_address_hook *hook;   /* or NULL */
    void *owner;                 /* the hook's */
};

/* `id` (raw JSON text, or NULL) is copied. With a batch (NULL: none) the answer joins that. */
struct return_address *return_address_new(struct connection *connection, struct request_batch *batch, const char *id);

/* An address inside the daemon, on behalf of a client. The hook is called once. */
struct return_address *return_address_new_hooked(struct connection *connection, return_address_hook *hook, void *owner);

/* Answer, and free the address. `error` is the text of a JSON-RPC error object. `data` may be NULL and is deleted. */
void return_address_result(struct return_address *address, struct json_span result);
void return_address_raw_error(struct return_address *address, struct json_span error);
void return_address_error(struct return_address *address, int code, const char *message, cJSON *data);

/* Answers with Unavailable (-32005). */
void return_address_unavailable(struct return_address *address, const char *reason, bool retryable);

/* Frees the address without an answer: its connection is closing. */
void return_address_drop(struct return_address *address);
