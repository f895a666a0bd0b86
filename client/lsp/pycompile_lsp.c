/* pycompile-lsp: a language server on standard input and output, a thin bridge to the daemon. One loop, no threads, and
 * nothing that waits but poll(). */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/clock.h"
#include "client/lsp/checks.h"
#include "client/lsp/messages.h"
#include "client/lsp/workspace_run.h"
#include "client/standard_fds.h"
#include "proto/rpc.h"

#define PROG "pycompile-lsp"

/* An editor that does not read what it is told is not listened to. */
#define UNSENT_MAX (8u << 20)

static const char help[] =
    "usage: " PROG " [-h] [--version] [--stdio]\n"
    "\n"
    "A language server (LSP 3.17) for Python on standard input and output: errors and warnings as\n"
    "you type, .pyc files as you save, through the pycompiled daemon.\n"
    "\n"
    "options:\n"
    "  -h, --help  show this help message and exit\n"
    "  --version   show the version and exit\n"
    "  --stdio     accepted, and the default\n";

static void take_messages(struct session *session) {
    const char *text;
    size_t len;
    while (!session->over) {
        switch (frame_reader_next(&session->editor.reader, &text, &len)) {
        case FRAME_READY:
            messages_take(session, text, len);
            break;
        case FRAME_TOO_LONG:
            messages_refuse(session, NULL, RPC_INVALID_REQUEST, "the message is too long");
            break;
        case FRAME_BROKEN:
            messages_refuse(session, NULL, RPC_PARSE_ERROR, "a Content-Length header is expected");
            session->over = true;
            return;
        case FRAME_NONE:
            return;
        }
    }
}

/* Milliseconds that poll() may wait. */
static int timeout(bool at_once, int64_t next_check) {
    return at_once ? 0 : next_check ? clock_left(next_check) : -1;
}

static void turn(struct session *session) {
    struct editor *editor = &session->editor;
    int64_t next_check = checks_start(session);
    bool at_once = workspace_run_step(session);
    link_handle(&session->link, 0); /* sends what was asked just now */
    editor_write(editor);
    bool listens = editor_unsent(editor) < UNSENT_MAX;
    struct pollfd fds[] = {
        {listens ? editor->in : -1, POLLIN, 0},
        {editor_unsent(editor) ? editor->out : -1, POLLOUT, 0},
        link_poll(&session->link),
    };
    if (poll(fds, 3, timeout(at_once, next_check)) < 0)
        return;
    if (fds[2].revents)
        link_handle(&session->link, fds[2].revents);
    if (fds[0].revents)
        editor_read(editor);
    take_messages(session);
}

static int serve(void) {
    struct session session;
    session_init(&session);
    while (!session.over && !session.editor.over)
        turn(&session);
    editor_flush(&session.editor);
    int status = session.status;
    session_deinit(&session);
    return status;
}

static _Noreturn void print_and_exit(const char *text) {
    fputs(text, stdout);
    exit(fflush(stdout) == 0 ? 0 : 1);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
            print_and_exit(help);
        if (strcmp(argv[i], "--version") == 0)
            print_and_exit(PROG " " PYCOMPILED_VERSION "\n");
        if (strcmp(argv[i], "--stdio") != 0) {
            fprintf(stderr, PROG ": unrecognized argument: %s (see " PROG " --help)\n", argv[i]);
            return 2;
        }
    }
    standard_fds_occupy();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    return serve();
}
