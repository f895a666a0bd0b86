/* Answers are written here, with the request's id, as one line of JSON. */
#include "daemon/peers/return_address.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "daemon/peers/connection.h"
#include "daemon/peers/request_batch.h"
#include "proto/rpc.h"

/* Bytes that the connection is charged for. */
static size_t return_address_size(const struct return_address *address) {
    return sizeof *address + (address->id != NULL ? strlen(address->id) : 0);
}

struct return_address *return_address_new(struct connection *connection, struct request_batch *batch, const char *id) {
    struct return_address *address = xcalloc(1, sizeof *address);
    address->connection = connection;
    address->batch = batch;
    address->id = id ? xstrdup(id) : NULL;
    if (batch != NULL)
        request_batch_join(batch);
    connection_hold(connection, return_address_size(address));
    return address;
}

struct return_address *return_address_new_hooked(struct connection *connection, return_address_hook *hook,
                                                 void *owner) {
    struct return_address *address = return_address_new(connection, NULL, NULL);
    address->hook = hook;
    address->owner = owner;
    return address;
}

static void return_address_free(struct return_address *address) {
    connection_release(address->connection, return_address_size(address));
    if (address->batch != NULL)
        request_batch_leave(address->batch);
    free(address->id);
    free(address);
}

/* Sends or gathers the text in *answer, empties it and frees the address. */
static void return_address_deliver(struct return_address *address, struct buffer *answer) {
    if (address->id != NULL && address->batch == NULL)
        connection_send(address->connection, answer->data, answer->len);
    else if (address->id != NULL)
        request_batch_add(address->batch, answer);
    buffer_deinit(answer);
    return_address_free(address);
}

/* Whether the answer was for a hook; then the hook has it, and the address is freed. */
static bool return_address_give_hook(struct return_address *address, struct json_span result, struct json_span error) {
    return_address_hook *hook = address->hook;
    void *owner = address->owner;
    if (hook == NULL)
        return false;
    return_address_free(address);
    hook(owner, result, error);
    return true;
}

static const struct json_span nothing = {NULL, 0};

void return_address_result(struct return_address *address, struct json_span result) {
    struct buffer answer = {0};
    if (return_address_give_hook(address, result, nothing))
        return;
    rpc_write_result(&answer, address->id, result.text, result.len);
    return_address_deliver(address, &answer);
}

void return_address_raw_error(struct return_address *address, struct json_span error) {
    struct buffer answer = {0};
    if (return_address_give_hook(address, nothing, error))
        return;
    rpc_write_raw_error(&answer, address->id, error.text, error.len);
    return_address_deliver(address, &answer);
}

void return_address_error(struct return_address *address, int code, const char *message, cJSON *data) {
    struct buffer answer = {0};
    rpc_write_error(&answer, address->id, code, message, data);
    cJSON_Delete(data);
    if (return_address_give_hook(address, nothing, json_member(answer.data, answer.len, "error")))
        buffer_deinit(&answer);
    else
        return_address_deliver(address, &answer);
}

void return_address_unavailable(struct return_address *address, const char *reason, bool retryable) {
    return_address_error(address, RPC_UNAVAILABLE, reason, rpc_unavailable_data(reason, retryable));
}

void return_address_drop(struct return_address *address) {
    if (return_address_give_hook(address, nothing, nothing))
        return;
    if (address->batch != NULL)
        request_batch_detach(address->batch);
    return_address_free(address);
}
