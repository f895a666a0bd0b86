/* The requests on a worker's standard input: any bytes in, whole requests out. The first bytes tell the encoding, which
 * the responses then have too.
 *
 * JSON is a stream of objects, not of lines: some versions of Bazel write no newline between them. */
#pragma once

#include "client/worker/work_message.h"

/* The longest request, in bytes. Requests list all inputs of an action. */
#define WORK_REQUEST_MAX ((size_t)256 << 20)

enum work_encoding {
    WORK_ENCODING_UNKNOWN,
    WORK_ENCODING_JSON,
    WORK_ENCODING_PROTO,
};

enum work_status {
    WORK_NONE,    /* more bytes are needed */
    WORK_READY,   /* *request is filled */
    WORK_INVALID, /* a whole message is no request; the stream goes on */
    WORK_BROKEN,  /* nothing more can be read from this stream */
};

struct work_stream {
    enum work_encoding encoding;
    struct buffer in;
    size_t start;   /* in `in`: the first byte of the message at hand */
    size_t scanned; /* JSON: in `in`, the first byte that was not looked at yet */
    unsigned depth; /* JSON: of braces and brackets, at `scanned` */
    bool in_string, escaped;
};

void work_stream_deinit(struct work_stream *stream);

/* Adds bytes of the stream. */
void work_stream_feed(struct work_stream *stream, const void *data, size_t len);

/* Takes the next request, which the caller deinits. On WORK_INVALID *why (static) says what is wrong, and the request
 * has an id if one could be read; on WORK_BROKEN *why is set. */
enum work_status work_stream_next(struct work_stream *stream, struct work_request *request, const char **why);

/* Whether a message has begun that is not whole. */
bool work_stream_pending(const struct work_stream *stream);

/* Appends a response in the stream's encoding; JSON if that is unknown. */
void work_stream_write(const struct work_stream *stream, const struct work_response *response, struct buffer *out);
