/* The connection to the editor. */
#include "client/lsp/editor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "proto/json.h"
#include "proto/rpc.h"

#define READ_SIZE 65536
#define FLUSH_MS 1000

static void editor_set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

void editor_init(struct editor *editor, int in, int out) {
    *editor = (struct editor){.in = in, .out = out};
    frame_reader_init(&editor->reader, EDITOR_MESSAGE_MAX);
    editor->reader.framing = FRAMING_HEADERS; /* the protocol has no other */
    editor_set_nonblocking(in);
    editor_set_nonblocking(out);
}

void editor_deinit(struct editor *editor) {
    frame_reader_deinit(&editor->reader);
    buffer_deinit(&editor->unsent);
}

static bool editor_would_wait(void) {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

void editor_read_first(struct editor *editor, int file) {
    ssize_t len;
    do {
        char *room = frame_reader_reserve(&editor->reader, READ_SIZE);
        len = read(file, room, READ_SIZE);
        if (len > 0)
            frame_reader_commit(&editor->reader, (size_t)len);
    } while (len > 0 || (len < 0 && errno == EINTR));
    editor->over = len < 0;
    close(file);
}

void editor_read(struct editor *editor) {
    frame_reader_trim(&editor->reader);
    char *room = frame_reader_reserve(&editor->reader, READ_SIZE);
    ssize_t len = read(editor->in, room, READ_SIZE);
    if (len > 0)
        frame_reader_commit(&editor->reader, (size_t)len);
    else if (len == 0 || !editor_would_wait())
        editor->over = true;
}

size_t editor_unsent(const struct editor *editor) {
    return editor->unsent.len - editor->sent;
}

void editor_write(struct editor *editor) {
    while (editor_unsent(editor) > 0) {
        ssize_t len = write(editor->out, editor->unsent.data + editor->sent, editor_unsent(editor));
        if (len < 0) {
            editor->over |= !editor_would_wait();
            break;
        }
        editor->sent += (size_t)len;
    }
    if (editor->sent * 2 >= editor->unsent.len) {
        buffer_consume(&editor->unsent, editor->sent);
        editor->sent = 0;
    }
}

void editor_flush(struct editor *editor) {
    int64_t deadline = clock_ms() + FLUSH_MS;
    for (editor->over = false; !editor->over && editor_unsent(editor) > 0 && clock_left(deadline) > 0;) {
        struct pollfd p = {editor->out, POLLOUT, 0};
        int ready = poll(&p, 1, clock_left(deadline));
        if (ready > 0)
            editor_write(editor);
        else if (ready < 0 && !editor_would_wait())
            editor->over = true;
    }
}

/* Frames the text and frees it. */
static void editor_send_text(struct editor *editor, struct buffer *text) {
    frame_write(FRAMING_HEADERS, text->data, text->len, &editor->unsent);
    buffer_deinit(text);
}

/* `id` NULL: a notification. Deletes the parameters. */
static void editor_call(struct editor *editor, const char *id, const char *method, cJSON *params) {
    struct buffer text = {0}, value = {0};
    json_print(params, &value);
    rpc_write_request(&text, id, method, value.data, value.len);
    buffer_deinit(&value);
    cJSON_Delete(params);
    editor_send_text(editor, &text);
}

void editor_notify(struct editor *editor, const char *method, cJSON *params) {
    editor_call(editor, NULL, method, params);
}

void editor_request(struct editor *editor, int id, const char *method, cJSON *params) {
    char text[16];
    snprintf(text, sizeof text, "%d", id);
    editor_call(editor, text, method, params);
}

void editor_result(struct editor *editor, const char *id, cJSON *result) {
    struct buffer text = {0}, value = {0};
    json_print(result, &value);
    rpc_write_result(&text, id, value.data, value.len);
    buffer_deinit(&value);
    cJSON_Delete(result);
    editor_send_text(editor, &text);
}

void editor_error(struct editor *editor, const char *id, int code, const char *message, const cJSON *data) {
    struct buffer text = {0};
    rpc_write_error(&text, id, code, message, data);
    editor_send_text(editor, &text);
}

static void editor_say(struct editor *editor, const char *method, enum editor_message type, const char *text) {
    cJSON *params = cJSON_CreateObject();
    cJSON_AddNumberToObject(params, "type", type);
    struct buffer whole = {0};
    buffer_printf(&whole, "pycompiled: %s", text);
    cJSON_AddStringToObject(params, "message", buffer_string(&whole));
    buffer_deinit(&whole);
    editor_notify(editor, method, params);
}

void editor_show(struct editor *editor, enum editor_message type, const char *text) {
    editor_say(editor, "window/showMessage", type, text);
}

void editor_log(struct editor *editor, enum editor_message type, const char *text) {
    editor_say(editor, "window/logMessage", type, text);
}
