/* JSON-RPC 2.0 messages (jsonrpc.org/specification): reading and writing requests, notifications and responses.
 *
 * Which methods there are and what their parameters mean is not known here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"
#include "proto/json.h"

enum rpc_code {
    RPC_PARSE_ERROR = -32700,
    RPC_INVALID_REQUEST = -32600,
    RPC_METHOD_NOT_FOUND = -32601,
    RPC_INVALID_PARAMS = -32602,
    RPC_INTERNAL_ERROR = -32603,
    RPC_PY_COMPILE_ERROR = -32001,
    RPC_OS_ERROR = -32002,
    RPC_WORKER_CRASHED = -32003,
    RPC_TIMEOUT = -32004,
    RPC_UNAVAILABLE = -32005,
    RPC_REQUEST_CANCELLED = -32800,
    /* From a host to the server, never to a client: */
    RPC_NEEDS_PRISTINE = -32099, /* a pristine process must run this job */
    RPC_NEEDS_OWN_HOST = -32098, /* a host without other jobs must run it */
    RPC_NEEDS_NEW_HOST = -32097, /* the Python on disk is no longer that of this host, which must be replaced */
};

/* Why a job needs a pristine process (docs/exactness.md): the member `cause` in the data of RPC_NEEDS_PRISTINE. */
enum rpc_exact_cause {
    RPC_EXACT_NAMES,    /* the source has names that would stay interned */
    RPC_EXACT_INTERNED, /* the bytes depend on interned strings that cannot be restored */
    RPC_EXACT_WARNINGS, /* it warns of a line that is not at hand */
    RPC_EXACT_OPTIONS,  /* a -W option imports a module */
    RPC_EXACT_ERRORS,   /* the line of an error is not at hand */
    RPC_EXACT_CAUSES,   /* how many there are */
};

/* Longest id of a request, as it is written, in bytes. An id is held as long as its request is open. */
#define RPC_ID_MAX 4096

/* Longest answer of a host to the server, in bytes: a host answers with an error instead of a longer one, and the
 * server kills a host that sends a longer one. */
#define RPC_ANSWER_MAX ((size_t)16 << 20)

/* A request (id and method), a notification (method), or a response (id, and result or error). */
struct rpc_message {
    char *id;                /* the raw JSON text of the id, as it came; NULL in a notification */
    char *method;            /* NULL in a response; bytes as json.h has them */
    struct json_span params; /* raw text inside the message parsed; text NULL where there is none, or null */
    struct json_span result; /* raw text inside the message; text NULL where there is none */
    struct json_span error;  /* the same */
};

/* Reads a message that is not a batch. `text` must have passed json_check() and must outlive *message. Returns 0, or an
 * enum rpc_code with a message (static) in *why; then message->id is set if an id was recognised. In both cases the
 * caller calls rpc_message_deinit(). */
int rpc_parse(const char *text, size_t len, struct rpc_message *message, const char **why);
void rpc_message_deinit(struct rpc_message *message);

/* The id of a request that json_check() refuses for nothing but a lone surrogate, such as an editor may send in
 * `source`: its raw JSON text, which the caller frees. NULL for any other text: then its answer has no id to name. */
char *rpc_refused_id(const char *text, size_t len, const struct json_limits *limits);

/* These append a message as one line of text without a newline. `id` is raw JSON text; NULL is null, and in a request
 * none: a notification. `params` and `result` are raw JSON text without newlines; params may be NULL. */
void rpc_write_request(struct buffer *out, const char *id, const char *method, const char *params, size_t params_len);
void rpc_write_notification(struct buffer *out, const char *method, const char *params, size_t params_len);
void rpc_write_result(struct buffer *out, const char *id, const char *result, size_t result_len);

/* Appends an error response. `data` is borrowed, or NULL. */
void rpc_write_error(struct buffer *out, const char *id, int code, const char *message, const cJSON *data);

/* Appends an error response whose error object is already JSON text. */
void rpc_write_raw_error(struct buffer *out, const char *id, const char *error, size_t error_len);

/* The `data` of an Unavailable error. The caller deletes it. */
cJSON *rpc_unavailable_data(const char *reason, bool retryable);

/* The same where the client means other folders by its paths than the daemon: retryable, with a member `namespace`
 * (place_namespace() of base/place.h). The caller deletes it. */
cJSON *rpc_foreign_data(const char *reason);

/* The name of an enum rpc_code ("PyCompileError", …); "Error" for any other number. */
const char *rpc_code_name(int code);
