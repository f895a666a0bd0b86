/* pycompile-lsp: a language server on standard input and output, a thin bridge to the daemon. One loop, no threads, and
 * nothing that waits but poll(). The daemon starts it on the socket of an editor that speaks LSP there, and hands it
 * what it has read of that in a file. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
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
    "  --stdio     accepted, and the default\n"
    "  --already-read=FD\n"
    "              what the editor has said already; for the daemon's use\n";

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

/* `already_read`: a file to be read first, or -1. */
static int serve(int already_read) {
    struct session session;
    session_init(&session);
    if (already_read >= 0) {
        editor_read_first(&session.editor, already_read);
        take_messages(&session);
    }
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

/* The descriptor of the option, if it is one and open; else -1. */
static int already_read_option(const char *argument) {
    static const char name[] = "--already-read=";
    int fd, len = 0;
    if (strncmp(argument, name, sizeof name - 1) != 0 || sscanf(argument + sizeof name - 1, "%d%n", &fd, &len) != 1 ||
        argument[sizeof name - 1 + (size_t)len] != '\0' || fd <= STDERR_FILENO)
        return -1;
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? fd : -1;
}

int main(int argc, char **argv) {
    int already_read = -1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
            print_and_exit(help);
        if (strcmp(argv[i], "--version") == 0)
            print_and_exit(PROG " " PYCOMPILED_VERSION "\n");
        int file = already_read_option(argv[i]);
        already_read = file >= 0 ? file : already_read;
        if (file < 0 && strcmp(argv[i], "--stdio") != 0) {
            fprintf(stderr, PROG ": unrecognized argument: %s (see " PROG " --help)\n", argv[i]);
            return 2;
        }
    }
    standard_fds_occupy();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    return serve(already_read);
}
