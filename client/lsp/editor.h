/* The connection to the editor on standard input and output: messages behind Content-Length headers, read as they come
 * and written as they are taken. What they say is not known here. */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"
#include "proto/frame.h"

/* Longest message that is read, in bytes. */
#define EDITOR_MESSAGE_MAX (64u << 20)

struct editor {
    int in, out;
    struct frame_reader reader;
    struct buffer unsent;
    size_t sent; /* of unsent */
    bool over;   /* nothing more can be read, or written */
};

/* The descriptors stay the caller's; both become non-blocking. */
void editor_init(struct editor *editor, int in, int out);
void editor_deinit(struct editor *editor);

/* Takes all that the file holds for what the editor has said already, and closes it; sets `over` where it cannot be
 * read. */
void editor_read_first(struct editor *editor, int file);

/* Reads what is there; sets `over` at the end. */
void editor_read(struct editor *editor);

/* Writes what is taken; sets `over` where nobody takes anything any more. */
void editor_write(struct editor *editor);

/* Writes what is left, waiting for a second at most. */
void editor_flush(struct editor *editor);

/* Bytes queued and not yet written. */
size_t editor_unsent(const struct editor *editor);

/* Queue a message. Trees are deleted; `id` is raw JSON text (NULL: null). */
void editor_notify(struct editor *editor, const char *method, cJSON *params);
void editor_request(struct editor *editor, int id, const char *method, cJSON *params);
void editor_result(struct editor *editor, const char *id, cJSON *result);

/* `data` may be NULL, and stays the caller's. */
void editor_error(struct editor *editor, const char *id, int code, const char *message, const cJSON *data);

/* What a message is for, in the protocol's numbers. */
enum editor_message { EDITOR_ERROR = 1, EDITOR_WARNING = 2, EDITOR_INFO = 3 };

/* Says something to the person, or only to the log. */
void editor_show(struct editor *editor, enum editor_message type, const char *text);
void editor_log(struct editor *editor, enum editor_message type, const char *text);
