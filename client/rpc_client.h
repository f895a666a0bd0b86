/* A connection to the daemon: JSON-RPC requests written and responses read, pipelined, without
 * blocking. What is asked, and in what order answers are wanted, is not known here. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/list.h"
#include "proto/frame.h"
#include "proto/json.h"

struct rpc_client {
    int fd;
    struct buffer out;
    size_t sent; /* of out: bytes already written */
    struct frame_reader in;
    struct list aside;        /* answers to other requests that came during a call */
    struct rpc_aside *handed; /* the last of them that rpc_client_next() has handed out */
    int64_t active_ms;        /* clock.h: when something was last queued or came */
    int wake_fd;              /* a call fails once this can be read; -1: none */
    /* Is asked by a call when nothing has come for `quiet_ms`, and then again after as long. Returns 0 to wait on, or a
     * negative errno value and a message. NULL: nothing is asked. */
    int (*quiet)(void *context, char **why);
    int quiet_ms;
    /* Takes notifications, or NULL: they are passed over. The span is valid during the call. */
    void (*notified)(void *context, const char *method, struct json_span params);
    void *context; /* for both */
};

/* A response. The spans are valid until the next call of any function here; exactly one of them has a text. */
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

/* Milliseconds until quiet() is to be asked, for poll(); -1: never. */
int rpc_client_quiet_left(const struct rpc_client *client);

/* Bytes queued and not yet written. */
size_t rpc_client_unsent(const struct rpc_client *client);

/* Writes what the socket takes. WAIT or CLOSED. */
enum rpc_step rpc_client_write(struct rpc_client *client);

/* Reads what is there. WAIT or CLOSED; what was read before is still to be taken by
 * rpc_client_next(). */
enum rpc_step rpc_client_read(struct rpc_client *client);

/* Takes the next response; first those that came during a call. WAIT, ANSWER or BROKEN. */
enum rpc_step rpc_client_next(struct rpc_client *client, struct rpc_answer *answer);

/* Asks (params: raw JSON text, or NULL) and waits, up to the deadline (clock.h). Returns the result, which the caller
 * gives to cJSON_Delete(), or NULL and a message, which the caller frees. Answers to other requests that come meanwhile
 * are kept for rpc_client_next(). */
cJSON *rpc_client_call(struct rpc_client *client, const char *method, const struct buffer *params, int64_t deadline,
                       char **why);
