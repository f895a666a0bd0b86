/* Requests and responses of Bazel's worker protocol, whatever their encoding. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct work_request {
    char **arguments; /* ended by NULL */
    size_t argument_count;
    int32_t id; /* 0: nothing else runs beside it (singleplex) */
    bool cancel;
    char *sandbox_dir; /* the folder that paths start from, relative to the working directory; or NULL */
};

struct work_response {
    int exit_code;
    const char *output; /* UTF-8 */
    int32_t id;
    bool was_cancelled;
};

/* Appends a copy of an argument. */
void work_request_add(struct work_request *request, const char *argument, size_t len);
void work_request_deinit(struct work_request *request);

/* The JSON encoding: the JSON form of the protocol buffers, where members at their default are absent. Reads one
 * object. Returns NULL, or a sentence (static) that says what is wrong with it; then request->id is set if it could be
 * read. */
const char *work_json_read(const char *text, size_t len, struct work_request *request);

/* Appends the response and a newline. */
void work_json_write(const struct work_response *response, struct buffer *out);

/* The protocol-buffer encoding; `data` is one message without its length. Returns as work_json_read(). */
const char *work_proto_read(const void *data, size_t len, struct work_request *request);

/* Appends the length and the response. */
void work_proto_write(const struct work_response *response, struct buffer *out);
