/* Protocol buffers by protobuf-c, from worker_protocol.proto. */
#include <string.h>

#include "client/worker/work_message.h"
#include "worker_protocol.pb-c.h"

const char *work_proto_read(const void *data, size_t len, struct work_request *request) {
    *request = (struct work_request){0};
    Pycompiled__Worker__WorkRequest *message = pycompiled__worker__work_request__unpack(NULL, len, data);
    if (message == NULL)
        return "not a WorkRequest";
    request->id = message->request_id;
    request->cancel = message->cancel;
    if (message->sandbox_dir[0] != '\0')
        request->sandbox_dir = xstrdup(message->sandbox_dir);
    for (size_t i = 0; i < message->n_arguments; i++)
        work_request_add(request, message->arguments[i], strlen(message->arguments[i]));
    pycompiled__worker__work_request__free_unpacked(message, NULL);
    return NULL;
}

static void work_proto_append_varint(size_t value, struct buffer *out) {
    for (; value >= 0x80; value >>= 7)
        buffer_append_char(out, (char)(value | 0x80));
    buffer_append_char(out, (char)value);
}

void work_proto_write(const struct work_response *response, struct buffer *out) {
    Pycompiled__Worker__WorkResponse message = PYCOMPILED__WORKER__WORK_RESPONSE__INIT;
    message.exit_code = response->exit_code;
    message.output = (char *)response->output;
    message.request_id = response->id;
    message.was_cancelled = response->was_cancelled;
    size_t len = pycompiled__worker__work_response__get_packed_size(&message);
    work_proto_append_varint(len, out);
    pycompiled__worker__work_response__pack(&message, (uint8_t *)buffer_reserve(out, len));
    out->len += len;
}
