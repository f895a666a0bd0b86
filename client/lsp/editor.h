/* The connection to the editor, on two descriptors: reading of messages behind Content-Length headers, and a queue of
 * messages to write. It knows JSON-RPC and window/showMessage, and no other method. */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"
#include "proto/frame.h"

/* The longest message that is read, in bytes. */
#define EDITOR_MESSAGE_MAX (64u << 20)

struct editor {
    int in, out;
    struct frame_reader reader;
    struct buffer unsent;
    size_t sent; /* bytes of unsent that are written already */
    bool over;   /* the input has ended, or reading or writing has failed */
};

/* Makes both descriptors non-blocking. They still belong to the caller. */
void editor_init(struct editor *editor, int in, int out);
void editor_deinit(struct editor *editor);

/* Reads a file to its end as the beginning of the input, and closes it. Sets `over` where reading fails. */
void editor_read_first(struct editor *editor, int file);

/* Reads once. Sets `over` at the end of the input. */
void editor_read(struct editor *editor);

/* Writes what the descriptor takes now. Sets `over` where writing fails. */
void editor_write(struct editor *editor);

/* Writes the rest of the queue, for one second at most. */
void editor_flush(struct editor *editor);

/* Bytes that are queued and not yet written. */
size_t editor_unsent(const struct editor *editor);

/* Queue a message. They delete `params` and `result`. `id` is raw JSON text; NULL is written as null. */
void editor_notify(struct editor *editor, const char *method, cJSON *params);
void editor_request(struct editor *editor, int id, const char *method, cJSON *params);
void editor_result(struct editor *editor, const char *id, cJSON *result);

/* Queues an error. Borrows `data`, which may be NULL. */
void editor_error(struct editor *editor, const char *id, int code, const char *message, const cJSON *data);

/* The protocol's MessageType. */
enum editor_message { EDITOR_ERROR = 1, EDITOR_WARNING = 2, EDITOR_INFO = 3 };

/* Queue a message to the user: editor_show() for a visible one, editor_log() for the editor's log. */
void editor_show(struct editor *editor, enum editor_message type, const char *text);
void editor_log(struct editor *editor, enum editor_message type, const char *text);
