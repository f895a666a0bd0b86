/* Finds where messages end. */
#include "client/worker/work_stream.h"

#include <ctype.h>

/* The longest varint of a length that is at most WORK_REQUEST_MAX. */
#define LENGTH_BYTES_MAX 5

void work_stream_deinit(struct work_stream *stream) {
    buffer_deinit(&stream->in);
}

void work_stream_feed(struct work_stream *stream, const void *data, size_t len) {
    if (stream->start > 0) { /* messages that were handed out */
        buffer_consume(&stream->in, stream->start);
        stream->scanned -= stream->start;
        stream->start = 0;
    }
    buffer_append(&stream->in, data, len);
}

static bool work_stream_is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The encoding by the first bytes. '{' can also be the length 123 of a protocol buffer, whose next byte is the tag of a
 * field; the tags of `arguments` and `cancel` are white space, and the length of an argument can be a quotation mark.
 * So JSON must go on with the name of a member and its closing mark. */
static enum work_encoding work_stream_guess(const char *text, size_t len) {
    size_t at = 0;
    while (at < len && work_stream_is_blank(text[at]))
        at++;
    if (at == len)
        return WORK_ENCODING_UNKNOWN;
    if (text[at++] != '{')
        return WORK_ENCODING_PROTO;
    while (at < len && work_stream_is_blank(text[at]))
        at++;
    if (at < len && text[at] == '}')
        return WORK_ENCODING_JSON;
    if (at < len && text[at++] != '"')
        return WORK_ENCODING_PROTO;
    while (at < len && (isalpha((unsigned char)text[at]) || text[at] == '_'))
        at++;
    return at == len ? WORK_ENCODING_UNKNOWN : text[at] == '"' ? WORK_ENCODING_JSON : WORK_ENCODING_PROTO;
}

/* Goes over one byte of JSON. Returns whether it ends the outermost object. */
static bool work_stream_step(struct work_stream *stream, char c) {
    if (stream->in_string) {
        stream->in_string = stream->escaped || c != '"';
        stream->escaped = !stream->escaped && c == '\\';
    } else if (c == '"') {
        stream->in_string = true;
    } else if (c == '{' || c == '[') {
        stream->depth++;
    } else if (c == '}' || c == ']') {
        return --stream->depth == 0;
    }
    return false;
}

static enum work_status work_stream_next_json(struct work_stream *stream, struct work_request *request,
                                              const char **why) {
    const struct buffer *in = &stream->in;
    if (stream->depth == 0) {
        while (stream->start < in->len && work_stream_is_blank(in->data[stream->start]))
            stream->start++;
        stream->scanned = stream->start;
        if (stream->start < in->len && in->data[stream->start] != '{') {
            *why = "a request is no JSON object";
            return WORK_BROKEN;
        }
    }
    while (stream->scanned < in->len) {
        if (!work_stream_step(stream, in->data[stream->scanned++]))
            continue;
        const char *text = in->data + stream->start;
        size_t len = stream->scanned - stream->start;
        stream->start = stream->scanned;
        *why = work_json_read(text, len, request);
        return *why == NULL ? WORK_READY : WORK_INVALID;
    }
    return WORK_NONE;
}

/* Reads a varint. Returns its length in bytes; 0 if bytes are missing, -1 if it is too long. */
static int work_stream_varint(const char *data, size_t len, size_t *value) {
    *value = 0;
    for (int i = 0; i < LENGTH_BYTES_MAX; i++) {
        if ((size_t)i == len)
            return 0;
        *value |= (size_t)((unsigned char)data[i] & 0x7f) << (7 * i);
        if (!((unsigned char)data[i] & 0x80))
            return i + 1;
    }
    return -1;
}

static enum work_status work_stream_next_proto(struct work_stream *stream, struct work_request *request,
                                               const char **why) {
    size_t len, there = stream->in.len - stream->start;
    const char *data = stream->in.data + stream->start;
    int head = work_stream_varint(data, there, &len);
    if (head < 0 || len > WORK_REQUEST_MAX) {
        *why = "a request is too long";
        return WORK_BROKEN;
    }
    if (head == 0 || there - (size_t)head < len)
        return WORK_NONE;
    stream->start += (size_t)head + len;
    *why = work_proto_read(data + head, len, request);
    return *why == NULL ? WORK_READY : WORK_INVALID;
}

enum work_status work_stream_next(struct work_stream *stream, struct work_request *request, const char **why) {
    *request = (struct work_request){0};
    *why = NULL;
    if (stream->in.len == stream->start)
        return WORK_NONE;
    if (stream->encoding == WORK_ENCODING_UNKNOWN)
        stream->encoding = work_stream_guess(stream->in.data, stream->in.len);
    if (stream->encoding == WORK_ENCODING_UNKNOWN)
        return WORK_NONE;
    enum work_status status = stream->encoding == WORK_ENCODING_JSON ? work_stream_next_json(stream, request, why)
                                                                     : work_stream_next_proto(stream, request, why);
    if (status == WORK_NONE && stream->in.len - stream->start > WORK_REQUEST_MAX) {
        *why = "a request is too long";
        return WORK_BROKEN;
    }
    return status;
}

bool work_stream_pending(const struct work_stream *stream) {
    for (size_t at = stream->start; at < stream->in.len; at++)
        if (stream->encoding == WORK_ENCODING_PROTO || !work_stream_is_blank(stream->in.data[at]))
            return true;
    return false;
}

void work_stream_write(const struct work_stream *stream, const struct work_response *response, struct buffer *out) {
    if (stream->encoding == WORK_ENCODING_PROTO)
        work_proto_write(response, out);
    else
        work_json_write(response, out);
}
