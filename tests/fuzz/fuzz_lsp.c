/* The language server: what an editor sends. An input that begins with `C` is a stream with Content-Length headers; of
 * any other each line is one message. A fake daemon answers the calls. Checked: what is sent to the editor is JSON, the
 * line index that edits leave is that of the whole text, and all is freed. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/lsp/checks.h"
#include "client/lsp/commands.h"
#include "client/lsp/messages.h"
#include "client/lsp/source_files.h"
#include "client/lsp/workspace_run.h"
#include "tests/fuzz/deadline.h"
#include "tests/unit/fake_daemon_link.h"

/* CPU time for an input, under the sanitizers. */
#define LIMIT_MS 2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth) {
    if (!truth)
        abort();
}

/* In place of client/lsp/source_files.c: no disk is read; every folder holds one file. */
void source_files_add(struct source_files *files, const char *folder) {
    files->file_count++;
}

void source_files_deinit(struct source_files *files) {
    *files = (struct source_files){0};
}

enum source_files_step source_files_next(struct source_files *files, char **path) {
    if (files->file_count == 0)
        return SOURCE_FILES_END;
    files->file_count--;
    *path = xstrdup("/p/a.py");
    return SOURCE_FILES_READY;
}

static void feed(struct session *session, const char *data, size_t len) {
    if (len > 0) /* exactly as long as the input, so that a read beyond it is seen */
        memcpy(frame_reader_reserve(&session->editor.reader, len), data, len);
    frame_reader_commit(&session->editor.reader, len);
    messages_take(session);
}

static void feed_lines(struct session *session, const char *data, size_t size) {
    const char *end = data + size;
    while (data < end && !session->over) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        size_t len = (size_t)((newline ? newline : end) - data);
        struct buffer frame = {0};
        frame_write(FRAMING_HEADERS, data, len, &frame);
        feed(session, frame.data, frame.len);
        buffer_deinit(&frame);
        checks_start(session);
        data += len + 1;
    }
}

/* Answers calls, each in another way. */
static void answer_calls(struct session *session) {
    static const char error[] =
        "{\"code\":-32001,\"message\":\"m\",\"data\":{\"exc_type_name\":\"SyntaxError\",\"exc_value\":{\"msg\":\"m\","
        "\"filename\":\"/dev/null/buffer\",\"lineno\":2,\"offset\":3,\"end_lineno\":9,\"end_offset\":9,\"text\":"
        "\"t\"}}}";
    for (int i = 0; i < 64 && fake_daemon_oldest(&session->daemon) != NULL; i++) {
        switch (i % 4) {
        case 0:
            fake_daemon_answer(&session->daemon, NULL, error, NULL);
            break;
        case 1:
            fake_daemon_answer(&session->daemon, "{\"warnings\":[{\"lineno\":3,\"category\":\"c\"}]}", NULL, NULL);
            break;
        case 2:
            fake_daemon_answer(&session->daemon, NULL, NULL, "no daemon");
            break;
        default:
            fake_daemon_answer(&session->daemon, NULL, "{\"code\":-32005,\"message\":\"m\"}", NULL);
        }
        workspace_run_step(session);
        checks_start(session);
    }
}

static void check_documents(const struct session *session) {
    list_each(link, &session->documents) {
        const struct document *document = list_entry(link, struct document, link);
        const struct source_text *text = &document->text;
        struct source_text fresh = {0};
        source_text_set(&fresh, text->bytes.data ? text->bytes.data : "", text->bytes.len);
        require(fresh.count == text->count);
        for (size_t i = 0; i < fresh.count; i++)
            require(fresh.starts[i] == text->starts[i]);
        source_text_deinit(&fresh);
    }
}

static void check_output(const struct session *session) {
    struct frame_reader reader;
    const char *text;
    size_t len, unsent = editor_unsent(&session->editor);
    frame_reader_init(&reader, EDITOR_MESSAGE_MAX);
    reader.framing = FRAMING_HEADERS;
    if (unsent > 0) {
        memcpy(frame_reader_reserve(&reader, unsent), session->editor.unsent.data + session->editor.sent, unsent);
        frame_reader_commit(&reader, unsent);
    }
    enum frame_status status;
    while ((status = frame_reader_next(&reader, &text, &len)) == FRAME_READY)
        require(json_check(text, len) == NULL);
    require(status == FRAME_NONE && !frame_reader_pending(&reader));
    frame_reader_deinit(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    long begin = deadline_cpu_ms();
    struct session session;
    session_init(&session, -1, -1);
    if (size > 0 && data[0] == 'C')
        feed(&session, (const char *)data, size);
    else
        feed_lines(&session, (const char *)data, size);
    checks_start(&session);
    workspace_run_step(&session);
    check_documents(&session);
    answer_calls(&session);
    check_output(&session);
    workspace_run_free(&session);
    commands_free(&session);
    checks_close_all(&session);
    session_deinit(&session);
    deadline_check(begin, LIMIT_MS);
    return 0;
}
