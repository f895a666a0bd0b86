/* The processes are not children to be ended with the daemon: each has a session of its own and ends with its editor.
 */
#include "daemon/peers/language_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/io.h"
#include "base/paths.h"
#include "daemon/log.h"
#include "daemon/peers/connection.h"
#include "proto/frame.h"

#define PROGRAM "pycompile-lsp"

/* At once; each is a process. A client process may have half of them, so that others get theirs. */
#define COUNT_MAX 64
#define SHARE(limit) (((limit) + 1) / 2)

/* Its descriptors: the connection, the log, and the bytes that have been read. */
#define READ_FD 3
#define READ_FD_ARGUMENT "--already-read=3"

struct language_server {
    struct list link; /* in group->all */
    struct language_server_group *group;
    pid_t client; /* the process that asked for it */
    uv_process_t process;
};

/* Variables that are not passed on: meant for the daemon process alone, or about the place where it was started. */
static const char *const withheld_variables[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC",    "WATCHDOG_PID",
                                                 "LISTEN_PID",    "LISTEN_FDS",       "LISTEN_FDNAMES",
                                                 "VIRTUAL_ENV",   "PYCOMPILED_SOCKET"};

void language_server_group_init(struct language_server_group *group, uv_loop_t *loop, struct census *census,
                                const char *socket_path, unsigned connection_limit) {
    *group = (struct language_server_group){
        .loop = loop,
        .census = census,
        .socket_path = socket_path,
        .limit = connection_limit < COUNT_MAX ? connection_limit : COUNT_MAX,
    };
    list_init(&group->all);
}

bool language_server_may_begin(const struct connection *connection) {
    return connection->messages == 1 && connection->channel.in.framing == FRAMING_HEADERS;
}

static void language_server_on_closed(uv_handle_t *handle) {
    free(handle->data);
}

static void language_server_close(struct language_server *language_server) {
    list_remove(&language_server->link);
    uv_close((uv_handle_t *)&language_server->process, language_server_on_closed);
}

/* Exit status 1 means that the editor has hung up. */
static void language_server_on_exit(uv_process_t *process, int64_t exit_status, int term_signal) {
    struct language_server *language_server = process->data;
    if (term_signal != 0)
        log_line("a language server was ended by signal %d", term_signal);
    else if (exit_status > 1)
        log_line("a language server failed (exit status %d)", (int)exit_status);
    language_server_close(language_server);
    census_language_server_ended(language_server->group->census);
}

static bool language_server_withholds(const char *variable) {
    for (size_t i = 0; i < sizeof withheld_variables / sizeof *withheld_variables; i++) {
        size_t len = strlen(withheld_variables[i]);
        if (strncmp(variable, withheld_variables[i], len) == 0 && variable[len] == '=')
            return true;
    }
    return false;
}

/* The daemon's environment without the withheld variables, and with `own` at its end. The caller frees the array. */
static char **language_server_environment(char *own) {
    size_t count = 0, n = 0;
    while (environ[count] != NULL)
        count++;
    char **environment = xcalloc(count + 2, sizeof *environment);
    for (size_t i = 0; i < count; i++)
        if (!language_server_withholds(environ[i]))
            environment[n++] = environ[i];
    environment[n] = own;
    return environment;
}

/* Makes a file in memory of all that was read: `first`, and the bytes that the channel holds behind it. Returns its
 * descriptor or a negative errno value. */
static int language_server_read_file(const struct connection *connection, struct json_span first) {
    struct buffer content = {0};
    size_t rest_len;
    const char *rest = frame_reader_unread(&connection->channel.in, &rest_len);
    frame_write(FRAMING_HEADERS, first.text, first.len, &content);
    buffer_append(&content, rest, rest_len);
    int fd = memfd_create("already-read", MFD_CLOEXEC);
    int status = fd < 0 ? -errno : io_write_all(fd, content.data, content.len);
    if (status == 0 && lseek(fd, 0, SEEK_SET) < 0)
        status = -errno;
    if (status < 0 && fd >= 0)
        close(fd);
    buffer_deinit(&content);
    return status < 0 ? status : fd;
}

/* Runs the program, in a session of its own, so that signals of the daemon's terminal do not reach it. Returns 0 or a
 * negative errno value. */
static int language_server_spawn(struct language_server *language_server, const char *program, int socket_fd,
                                 int read_fd) {
    struct language_server_group *group = language_server->group;
    char *args[] = {(char *)program, (char *)READ_FD_ARGUMENT, NULL};
    char *own = xasprintf("PYCOMPILED_SOCKET=%s", group->socket_path), **environment = language_server_environment(own);
    uv_stdio_container_t stdio[READ_FD + 1] = {
        {.flags = UV_INHERIT_FD, .data.fd = socket_fd},
        {.flags = UV_INHERIT_FD, .data.fd = socket_fd},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        [READ_FD] = {.flags = UV_INHERIT_FD, .data.fd = read_fd},
    };
    uv_process_options_t options = {
        .exit_cb = language_server_on_exit,
        .file = program,
        .args = args,
        .env = environment,
        .cwd = "/",
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = READ_FD + 1,
        .stdio = stdio,
    };
    int status = uv_spawn(group->loop, &language_server->process, &options);
    free(environment);
    free(own);
    return status;
}

/* The process at the other end of the connection; 0 where it is not visible from here (another PID namespace). */
static pid_t language_server_client(const struct connection *connection) {
    struct ucred peer;
    socklen_t len = sizeof peer;
    uv_os_fd_t fd;
    if (uv_fileno((const uv_handle_t *)&connection->channel.pipe, &fd) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return 0;
    return peer.pid;
}

static unsigned language_server_count(const struct language_server_group *group, pid_t client) {
    unsigned count = 0;
    list_each(link, &group->all)
        count += list_entry(link, struct language_server, link)->client == client;
    return count;
}

/* Returns 0 or a negative errno value. */
static int language_server_start(struct language_server_group *group, struct connection *connection,
                                 const char *program, int read_fd) {
    uv_os_fd_t fd;
    int status = uv_fileno((uv_handle_t *)&connection->channel.pipe, &fd);
    if (status < 0)
        return status;
    struct language_server *language_server = xcalloc(1, sizeof *language_server);
    language_server->group = group;
    language_server->client = language_server_client(connection);
    list_init(&language_server->link);
    status = language_server_spawn(language_server, program, fd, read_fd);
    language_server->process.data = language_server;
    if (status < 0) {
        language_server_close(language_server);
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); /* the child has cleared that flag of the shared socket */
        return status;
    }
    list_append(&group->all, &language_server->link);
    census_language_server_started(group->census);
    return 0;
}

/* Returns 0, or a negative errno value with a message in *why. */
static int language_server_hand_over(struct language_server_group *group, struct connection *connection,
                                     const char *program, struct json_span first, char **why) {
    int read_fd = language_server_read_file(connection, first);
    int status = read_fd < 0 ? read_fd : language_server_start(group, connection, program, read_fd);
    if (read_fd >= 0)
        close(read_fd);
    if (status < 0)
        *why = xasprintf("no language server: cannot start %s: %s", program, uv_strerror(status));
    else
        connection_close(connection);            /* the socket itself stays open in the other process */
    return status == -ENOENT ? -EAGAIN : status; /* the program was there a moment ago */
}

int language_server_begin(struct language_server_group *group, struct connection *connection, struct json_span first,
                          char **why) {
    if (group->census->draining) {
        *why = xstrdup("the daemon is shutting down");
        return -ESHUTDOWN;
    }
    if (group->census->language_servers >= group->limit) {
        *why = xasprintf("no language server: %u run, and no more may", group->limit);
        return -EAGAIN;
    }
    if (language_server_count(group, language_server_client(connection)) >= SHARE(group->limit)) {
        *why = xasprintf("no language server: %u run for this client, and no more may", SHARE(group->limit));
        return -EAGAIN;
    }
    char *program = paths_program(PROGRAM, false);
    if (program == NULL) {
        *why = xstrdup("no language server: the program " PROGRAM " is not found beside the daemon");
        return -ENOENT;
    }
    int status = language_server_hand_over(group, connection, program, first, why);
    free(program);
    return status;
}

void language_server_group_close(struct language_server_group *group) {
    list_each(link, &group->all)
        language_server_close(list_entry(link, struct language_server, link));
}
