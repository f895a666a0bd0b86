/* One frame a message. */
#include "host/control_message.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/frame.h"
#include "proto/json.h"
#include "proto/rpc.h"

const char *control_message_option(int argc, char **argv, const char *option) {
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], option, strlen(option)) == 0)
            return argv[i] + strlen(option);
    return NULL;
}

int control_message_fd(int argc, char **argv) {
    const char *value = control_message_option(argc, argv, "--control=");
    return value != NULL ? atoi(value) : -1;
}

void control_message_send(int fd, const char *method, cJSON *params) {
    struct buffer text = {0}, message = {0}, frame = {0};
    json_print(params, &text);
    rpc_write_notification(&message, method, text.data, text.len);
    frame_write(FRAMING_HEADERS, message.data, message.len, &frame);
    ssize_t sent = send(fd, frame.data, frame.len, MSG_NOSIGNAL);
    (void)sent;
    buffer_deinit(&text);
    buffer_deinit(&message);
    buffer_deinit(&frame);
    cJSON_Delete(params);
}

void control_message_failure(int fd, const char *reason) {
    cJSON *params = cJSON_CreateObject();
    json_add_string_or_null(params, "reason", reason);
    control_message_send(fd, "failed", params);
}
