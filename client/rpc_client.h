/* A connection to the daemon: JSON-RPC requests are written and responses read, pipelined, without blocking. The
 * callers know what is asked and in which order answers are wanted. */
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
    struct rpc_aside *handed; /* the last one that rpc_client_next() has handed out */
    int64_t active_ms;        /* of clock_ms(): when something was last queued or received */
    int wake_fd;              /* a call fails when this becomes readable; -1: none */
    /* Called when nothing has come for `quiet_ms` during a call, and again after each such time. Returns 0 to go on
     * waiting, or a negative errno value and a message. May be NULL. */
    int (*quiet)(void *context, char **why);
    int quiet_ms;
    /* Takes notifications; NULL: they are ignored. The span is valid during the call. */
    void (*notified)(void *context, const char *method, struct json_span params);
    void *context; /* for both functions */
    cJSON *error;  /* that the last call was answered with, or NULL; owned */
};

/* A response. The spans are valid until the next call of any function here; exactly one of them has a text. */
struct rpc_answer {
    int64_t id; /* -1: null, or an id that this client did not give */
    struct json_span result;
    struct json_span error;
};

enum rpc_step {
    RPC_STEP_WAIT,   /* nothing more for now */
    RPC_STEP_ANSWER, /* *answer is filled */
    RPC_STEP_CLOSED, /* the connection is over */
    RPC_STEP_BROKEN, /* the peer does not speak the protocol; nothing more can be read */
};

/* Takes over the non-blocking socket. */
void rpc_client_init(struct rpc_client *client, int fd);

/* Closes the socket and drops what is unsent; also right after a deinit. */
void rpc_client_deinit(struct rpc_client *client);

/* Queues a request; nothing is written yet. `params` is raw JSON text, or NULL. */
void rpc_client_queue(struct rpc_client *client, int64_t id, const char *method, const struct buffer *params);

/* A timeout for poll(): milliseconds until quiet() is to be called, or -1. */
int rpc_client_quiet_left(const struct rpc_client *client);

/* Bytes queued and not yet written. */
size_t rpc_client_unsent(const struct rpc_client *client);

/* Writes what the socket takes. WAIT or CLOSED. */
enum rpc_step rpc_client_write(struct rpc_client *client);

/* Reads the bytes that are there. WAIT or CLOSED; rpc_client_next() still hands out the responses that were read
 * before. */
enum rpc_step rpc_client_read(struct rpc_client *client);

/* Takes the next response; first those that came during a call. WAIT, ANSWER or BROKEN. */
enum rpc_step rpc_client_next(struct rpc_client *client, struct rpc_answer *answer);

/* Sends a request (params: raw JSON text, or NULL) and waits for its answer up to the deadline (of clock_ms()).
 * Returns the result, which the caller gives to cJSON_Delete(), or NULL and a message, which the caller frees.
 * Answers to other requests that come meanwhile are kept for rpc_client_next(). */
cJSON *rpc_client_call(struct rpc_client *client, const char *method, const struct buffer *params, int64_t deadline,
                       char **why);

/* Whether an error (its raw text) means that another daemon may succeed. */
bool rpc_client_is_retryable(struct json_span error);
