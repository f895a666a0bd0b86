/* See language_server.h. */
#include "daemon/peers/language_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/io.h"
#include "base/paths.h"
#include "daemon/log.h"
#include "daemon/peers/connection.h"
#include "daemon/server.h"
#include "proto/frame.h"

#define PROGRAM "pycompile-lsp"

/* At once; each is a process. */
#define COUNT_MAX 64

/* Its descriptors: the connection, the log, and what has been read. */
#define READ_FD 3
#define READ_FD_ARGUMENT "--already-read=3"

struct language_server {
    struct list link; /* in server->language_servers */
    struct server *server;
    uv_process_t process;
};

/* What is said to this process alone, or of where whoever happened to start it worked. */
static const char *const kept_variables[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC",  "WATCHDOG_PID", "LISTEN_PID",
                                             "LISTEN_FDS",    "LISTEN_FDNAMES", "VIRTUAL_ENV",  "PYCOMPILED_SOCKET"};

bool language_server_may_begin(const struct connection *connection) {
    return connection->messages == 1 && connection->channel.in.framing == FRAMING_HEADERS;
}

static void on_closed(uv_handle_t *handle) {
    free(handle->data);
}

static void close_process(struct language_server *language_server) {
    list_remove(&language_server->link);
    uv_close((uv_handle_t *)&language_server->process, on_closed);
}

/* Status 1 is an editor that has hung up. */
static void on_exit_of(uv_process_t *process, int64_t exit_status, int term_signal) {
    struct language_server *language_server = process->data;
    if (term_signal != 0)
        log_line("a language server was ended by signal %d", term_signal);
    else if (exit_status > 1)
        log_line("a language server failed (exit status %d)", (int)exit_status);
    close_process(language_server);
    server_language_server_gone(language_server->server);
}

static bool is_kept(const char *variable) {
    for (size_t i = 0; i < sizeof kept_variables / sizeof *kept_variables; i++) {
        size_t len = strlen(kept_variables[i]);
        if (strncmp(variable, kept_variables[i], len) == 0 && variable[len] == '=')
            return true;
    }
    return false;
}

/* PYCOMPILED_SOCKET, whose value must not depend on a working directory. The caller frees. */
static char *socket_variable(const struct server *server) {
    const char *path = server->listener.path;
    char *real = *path == '/' ? NULL : realpath(path, NULL);
    char *variable = xasprintf("PYCOMPILED_SOCKET=%s", real ? real : path);
    free(real);
    return variable;
}

/* The daemon's, but for what it keeps. The caller frees the array; the last string but NULL is `own`. */
static char **make_environment(char *own) {
    size_t count = 0, n = 0;
    while (environ[count] != NULL)
        count++;
    char **environment = xcalloc(count + 2, sizeof *environment);
    for (size_t i = 0; i < count; i++)
        if (!is_kept(environ[i]))
            environment[n++] = environ[i];
    environment[n] = own;
    return environment;
}

/* A file in memory of all that was read: `first`, and what the channel holds behind it. Returns -1 with errno set. */
static int make_read_file(const struct connection *connection, struct json_span first) {
    struct buffer head = {0};
    size_t rest_len;
    const char *rest = frame_reader_unread(&connection->channel.in, &rest_len);
    frame_write(FRAMING_HEADERS, first.text, first.len, &head);
    int fd = memfd_create("already-read", MFD_CLOEXEC);
    int error = 0;
    if (fd >= 0 && ((error = io_write_all(fd, head.data, head.len)) < 0 ||
                    (error = io_write_all(fd, rest, rest_len)) < 0 || lseek(fd, 0, SEEK_SET) < 0)) {
        error = error < 0 ? -error : errno;
        close(fd);
        errno = error;
        fd = -1;
    }
    buffer_deinit(&head);
    return fd;
}

/* Runs the program. It has a session of its own, so that what is meant for the daemon's terminal does not reach it.
 * Returns 0 or a negative error. */
static int spawn(struct language_server *language_server, const char *program, int socket_fd, int read_fd) {
    struct server *server = language_server->server;
    char *args[] = {(char *)program, (char *)READ_FD_ARGUMENT, NULL};
    char *own = socket_variable(server), **environment = make_environment(own);
    uv_stdio_container_t stdio[READ_FD + 1] = {
        {.flags = UV_INHERIT_FD, .data.fd = socket_fd},
        {.flags = UV_INHERIT_FD, .data.fd = socket_fd},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        [READ_FD] = {.flags = UV_INHERIT_FD, .data.fd = read_fd},
    };
    uv_process_options_t options = {
        .exit_cb = on_exit_of,
        .file = program,
        .args = args,
        .env = environment,
        .cwd = "/",
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = READ_FD + 1,
        .stdio = stdio,
    };
    int status = uv_spawn(&server->loop, &language_server->process, &options);
    free(environment);
    free(own);
    return status;
}

/* Returns 0 or a negative error. */
static int start(struct connection *connection, const char *program, int read_fd) {
    uv_os_fd_t fd;
    int status = uv_fileno((uv_handle_t *)&connection->channel.pipe, &fd);
    if (status < 0)
        return status;
    struct language_server *language_server = xcalloc(1, sizeof *language_server);
    language_server->server = connection->server;
    list_init(&language_server->link);
    status = spawn(language_server, program, fd, read_fd);
    language_server->process.data = language_server;
    if (status < 0) {
        close_process(language_server);
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); /* the child has changed that, which is the socket's */
        return status;
    }
    list_append(&connection->server->language_servers, &language_server->link);
    server_language_server_come(connection->server);
    return 0;
}

static bool hand_over(struct connection *connection, const char *program, struct json_span first, char **why) {
    int read_fd = make_read_file(connection, first);
    int status = read_fd >= 0 ? start(connection, program, read_fd) : -errno;
    if (read_fd >= 0)
        close(read_fd);
    if (status < 0)
        *why = xasprintf("no language server: cannot start %s: %s", program, uv_strerror(status));
    else
        connection_close(connection); /* the socket itself stays open, there */
    return status == 0;
}

bool language_server_begin(struct connection *connection, struct json_span first, char **why, bool *retryable) {
    const struct server *server = connection->server;
    unsigned limit = server->connection_limit < COUNT_MAX ? server->connection_limit : COUNT_MAX;
    bool begun = false;
    *retryable = true;
    if (server->draining) {
        *why = xstrdup("the daemon is shutting down");
        return false;
    }
    if (server->language_server_count >= limit) {
        *why = xasprintf("no language server: %u run, and no more may", limit);
        return false;
    }
    char *program = paths_program(PROGRAM, false);
    if (program != NULL) {
        begun = hand_over(connection, program, first, why);
    } else {
        *why = xstrdup("no language server: the program " PROGRAM " is not found beside the daemon");
        *retryable = false;
    }
    free(program);
    return begun;
}

void language_server_forget_all(struct server *server) {
    list_each(link, &server->language_servers)
        close_process(list_entry(link, struct language_server, link));
}
