/* Fuzzes client/worker's reader of Bazel's worker protocol: any stream, in pieces of any size, gives the same requests.
 * The arguments of each are then parsed as work, and a response with one of them as its text is readable in both
 * encodings.
 *
 * The first byte of the input chooses the sizes of the pieces; the rest is the stream. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/worker/precompile.h"
#include "client/worker/work_stream.h"
#include "proto/json.h"
#include "tests/fuzz/deadline.h"
#include "worker_protocol.pb-c.h"

/* The longest time that an input may take, in milliseconds. */
#define INPUT_MAX_MS 2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth) {
    if (!truth)
        abort();
}

/* An argument that names a file is left out: which files there are is not the input's business. */
static void parse(const struct work_request *request) {
    struct precompile work;
    for (size_t i = 0; i < request->argument_count; i++)
        if (request->arguments[i][0] == '@')
            return;
    char *why = precompile_parse(&work, request->arguments, request->argument_count, request->sandbox_dir);
    require(why == NULL || why[0] != '\0');
    for (size_t i = 0; why == NULL && i < work.count; i++)
        require(work.sources[i].src != NULL && work.sources[i].name != NULL && work.sources[i].pyc != NULL);
    require(why != NULL || (work.count > 0 && work.optimize >= -1 && work.optimize <= 2));
    precompile_deinit(&work);
    free(why);
}

static void check_json(const struct work_response *response, const char *text, size_t len) {
    const char *why;
    cJSON *tree = json_parse(text, len, &why);
    require(tree != NULL && text[len - 1] == '\n' && memchr(text, '\n', len - 1) == NULL);
    require(json_get_integer(tree, "requestId", INT32_MIN, INT32_MAX, 0) == response->id);
    cJSON_Delete(tree);
}

static void check_proto(const struct work_response *response, const struct buffer *out) {
    size_t head = 1, len = (size_t)out->data[0] & 0x7f;
    for (; (unsigned char)out->data[head - 1] & 0x80; head++)
        len |= ((size_t)out->data[head] & 0x7f) << (7 * head);
    require(head + len == out->len);
    Pycompiled__Worker__WorkResponse *read =
        pycompiled__worker__work_response__unpack(NULL, len, (const uint8_t *)out->data + head);
    require(read != NULL && read->request_id == response->id && read->exit_code == response->exit_code);
    require(strcmp(read->output, response->output) == 0 && read->was_cancelled == response->was_cancelled);
    pycompiled__worker__work_response__free_unpacked(read, NULL);
}

static void respond(const struct work_request *request) {
    struct work_response response = {.exit_code = (int)request->argument_count, .id = request->id};
    struct buffer out = {0};
    response.was_cancelled = request->cancel;
    response.output = request->argument_count > 0 ? request->arguments[request->argument_count - 1] : "";
    work_proto_write(&response, &out);
    check_proto(&response, &out);
    out.len = 0;
    work_json_write(&response, &out);
    check_json(&response, out.data, out.len);
    buffer_deinit(&out);
}

static void append_request(struct buffer *seen, const struct work_request *request) {
    buffer_printf(seen, "R%d,%d,%s:", request->id, request->cancel, request->sandbox_dir ? request->sandbox_dir : "");
    for (size_t i = 0; i < request->argument_count; i++)
        buffer_append(seen, request->arguments[i], strlen(request->arguments[i]) + 1);
}

/* Appends what the stream hands out now. Returns false at its end. */
static bool take(struct work_stream *stream, struct buffer *seen) {
    struct work_request request;
    const char *why;
    for (;;) {
        enum work_status status = work_stream_next(stream, &request, &why);
        if (status == WORK_READY) {
            append_request(seen, &request);
            parse(&request);
            respond(&request);
        } else if (status != WORK_NONE) {
            require(why != NULL);
            buffer_printf(seen, "%c%d", status == WORK_INVALID ? 'I' : 'B', request.id);
        }
        work_request_deinit(&request);
        if (status == WORK_NONE || status == WORK_BROKEN)
            return status == WORK_NONE;
    }
}

/* Feeds the stream in pieces of 1 to `piece_max` bytes. Returns what was seen, which the caller frees. */
static struct buffer feed(const uint8_t *data, size_t size, size_t piece_max) {
    struct work_stream stream = {0};
    struct buffer seen = {0};
    unsigned state = 1;
    bool on = true;
    while (on && size > 0) {
        state = state * 1103515245u + 12345u;
        size_t piece = 1 + (state >> 16) % piece_max;
        if (piece > size)
            piece = size;
        work_stream_feed(&stream, data, piece);
        on = take(&stream, &seen);
        data += piece;
        size -= piece;
    }
    if (on)
        buffer_append_char(&seen, work_stream_pending(&stream) ? 'P' : 'E');
    work_stream_deinit(&stream);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    long begin = deadline_cpu_ms();
    if (size < 2)
        return 0;
    struct buffer whole = feed(data + 1, size - 1, SIZE_MAX / 2);
    struct buffer pieces = feed(data + 1, size - 1, 1 + data[0] % 64u);
    require(pieces.len == whole.len && memcmp(pieces.data, whole.data, whole.len) == 0);
    buffer_deinit(&whole);
    buffer_deinit(&pieces);
    deadline_check(begin, INPUT_MAX_MS);
    return 0;
}
