/* A connection to the daemon: JSON-RPC requests written and responses read, pipelined, without
 * blocking. What is asked, and in what order answers are wanted, is not known here. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "proto/frame.h"
#include "proto/json.h"

struct rpc_client {
    int fd;
    struct buffer out;
    size_t sent; /* of out: bytes already written */
    struct frame_reader in;
    /* Takes notifications, or NULL: they are passed over. The span is valid during the call. */
    void (*notified)(void *context, const char *method, struct json_span params);
    void *context;
};

/* A response. The spans are valid until rpc_client_read(); exactly one of them has a text. */
struct rpc_answer {
    int64_t id; /* -1: null, or not one that this client gave */
    struct json_span result;
    struct json_span error;
};

enum rpc_step {
    RPC_STEP_WAIT,   /* nothing more for now */
    RPC_STEP_ANSWER, /* *answer is filled */
    RPC_STEP_CLOSED, /* the connection is over */
    RPC_STEP_BROKEN, /* what came is not the protocol; nothing more can be read */
};

/* Takes over the non-blocking socket. */
void rpc_client_init(struct rpc_client *client, int fd);

/* Closes the socket and drops what is unsent; also right after a deinit. */
void rpc_client_deinit(struct rpc_client *client);

/* Queues a request; nothing is written yet. `params` is raw JSON text, or NULL. */
void rpc_client_queue(struct rpc_client *client, int64_t id, const char *method, const struct buffer *params);

/* Bytes queued and not yet written. */
size_t rpc_client_unsent(const struct rpc_client *client);

/* Writes what the socket takes. WAIT or CLOSED. */
enum rpc_step rpc_client_write(struct rpc_client *client);

/* Reads what is there. WAIT or CLOSED; what was read before is still to be taken by
 * rpc_client_next(). */
enum rpc_step rpc_client_read(struct rpc_client *client);

/* Takes the next response. WAIT, ANSWER or BROKEN. */
enum rpc_step rpc_client_next(struct rpc_client *client, struct rpc_answer *answer);

/* Asks (params: raw JSON text, or NULL) and waits, up to the deadline (clock.h). Returns the result, which the caller
 * gives to cJSON_Delete(), or NULL and a message, which the caller frees. For connections without other requests in
 * flight. */
cJSON *rpc_client_call(struct rpc_client *client, const char *method, const struct buffer *params, int64_t deadline,
                       char **why);
