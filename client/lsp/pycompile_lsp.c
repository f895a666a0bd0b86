/* The program pycompile-lsp: a language server on standard input and output that passes the work on to the daemon. It
 * is one loop without threads; only poll() waits. The daemon starts it for an editor that speaks LSP on the daemon's
 * socket: standard input and output are then that socket, and a file holds what the daemon has read from it. */
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
#include "client/lsp/commands.h"
#include "client/lsp/messages.h"
#include "client/lsp/workspace_run.h"
#include "client/standard_fds.h"

#define PROG "pycompile-lsp"

/* Back-pressure, in bytes: nothing is read from an editor while more than this is queued for it. */
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
    "              a file with the beginning of the input; for the daemon's use\n";

/* Returns the timeout for poll(). */
static int lsp_poll_timeout(bool at_once, int64_t next_check) {
    return at_once ? 0 : next_check ? clock_left(next_check) : -1;
}

static void lsp_turn(struct session *session) {
    struct editor *editor = &session->editor;
    int64_t next_check = checks_start(session);
    bool at_once = workspace_run_step(session);
    daemon_link_handle(&session->daemon, 0); /* sends the calls that were just queued */
    editor_write(editor);
    bool listens = editor_unsent(editor) < UNSENT_MAX;
    struct pollfd fds[] = {
        {listens ? editor->in : -1, POLLIN, 0},
        {editor_unsent(editor) ? editor->out : -1, POLLOUT, 0},
        daemon_link_poll(&session->daemon),
    };
    if (poll(fds, 3, lsp_poll_timeout(at_once, next_check)) < 0) {
        session->over |= errno != EINTR && errno != EAGAIN;
        return;
    }
    if (fds[2].revents)
        daemon_link_handle(&session->daemon, fds[2].revents);
    if (fds[0].revents)
        editor_read(editor);
    messages_take(session);
}

/* Frees the session from the top down: each part before the parts that it uses. */
static void lsp_tear_down(struct session *session) {
    workspace_run_free(session);
    commands_free(session);
    checks_close_all(session);
    session_deinit(session);
}

/* `already_read`: a file with the beginning of the input, or -1. Returns the exit status. */
static int lsp_serve(int already_read) {
    struct session session;
    session_init(&session, STDIN_FILENO, STDOUT_FILENO);
    if (already_read >= 0) {
        editor_read_first(&session.editor, already_read);
        messages_take(&session);
    }
    while (!session.over && !session.editor.over)
        lsp_turn(&session);
    editor_flush(&session.editor);
    int status = session.status;
    lsp_tear_down(&session);
    return status;
}

static _Noreturn void lsp_print_and_exit(const char *text) {
    fputs(text, stdout);
    exit(fflush(stdout) == 0 ? 0 : 1);
}

/* Returns the descriptor that the option --already-read names; -EINVAL where the argument is not that option, or the
 * descriptor is not open. */
static int lsp_already_read_option(const char *argument) {
    static const char name[] = "--already-read=";
    int fd, len = 0;
    if (strncmp(argument, name, sizeof name - 1) != 0 || sscanf(argument + sizeof name - 1, "%d%n", &fd, &len) != 1 ||
        argument[sizeof name - 1 + (size_t)len] != '\0' || fd <= STDERR_FILENO)
        return -EINVAL;
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? fd : -EINVAL;
}

int main(int argc, char **argv) {
    int already_read = -1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
            lsp_print_and_exit(help);
        if (strcmp(argv[i], "--version") == 0)
            lsp_print_and_exit(PROG " " PYCOMPILED_VERSION "\n");
        int file = lsp_already_read_option(argv[i]);
        already_read = file >= 0 ? file : already_read;
        if (file < 0 && strcmp(argv[i], "--stdio") != 0) {
            fprintf(stderr, PROG ": unrecognized argument: %s (see " PROG " --help)\n", argv[i]);
            return 2;
        }
    }
    standard_fds_occupy();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    return lsp_serve(already_read);
}
