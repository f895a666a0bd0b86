/* socketpair(2) and posix_spawn(3). */
#include "client/worker/own_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/paths.h"
#include "client/patience.h"
#include "client/stderr_text.h"

/* The time that running compiles have when this process has gone, in seconds. */
#define DRAIN_TIMEOUT "10"
#define ARGUMENTS_MAX 9
/* The longest list of children that is read, in bytes. */
#define CHILDREN_LIST_MAX ((size_t)1 << 20)
/* A server that has not left after that time is killed. */
#define LEAVE_MAX_MS 15000

static void own_server_arguments(const struct own_server *server, const char *program, const char **argv) {
    size_t n = 0;
    argv[n++] = program;
    argv[n++] = "--inetd";
    argv[n++] = "--drain-timeout";
    argv[n++] = DRAIN_TIMEOUT;
    if (server->workers != NULL) {
        argv[n++] = "--workers";
        argv[n++] = server->workers;
    }
    argv[n++] = server->cache != NULL ? "--cache-dir" : "--no-cache";
    argv[n++] = server->cache; /* NULL ends the list */
    argv[n] = NULL;
}

/* Runs the program with the socket as standard input. Its standard output is not ours: responses alone go there. If it
 * dies, its hosts become children of this process, which own_server_end_hosts() needs. */
static int own_server_spawn(struct own_server *server, const char *program, int sock) {
    posix_spawn_file_actions_t actions;
    const char *argv[ARGUMENTS_MAX];
    own_server_arguments(server, program, argv);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* fails before Linux 3.4 alone */
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, sock, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    int error = posix_spawn(&server->pid, program, &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

/* The server runs: takes over its connection. */
static void own_server_take(struct own_server *server, int fd) {
    rpc_client_init(&server->client, fd);
    server->patience_ms = patience_ms();
    own_server_heard(server);
}

int own_server_open(struct own_server *server, char **why) {
    int pair[2];
    if (server->is_open)
        return 0;
    char *program = paths_program("pycompiled", false);
    if (program == NULL) {
        *why = xstrdup("the program pycompiled is not found beside this one");
        return -ENOENT;
    }
    int status = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ? -errno : 0;
    if (status == 0) {
        status = fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : own_server_spawn(server, program, pair[1]);
        close(pair[1]);
        if (status == 0)
            own_server_take(server, pair[0]);
        else
            close(pair[0]);
    }
    server->is_open = status == 0;
    if (status < 0)
        *why = xasprintf("cannot run %s: %s", program, strerror(-status));
    free(program);
    return status;
}

void own_server_heard(struct own_server *server) {
    server->pinged_ms = 0;
    server->has_said = false;
}

/* When a silent server is to be asked, to be told of, and to be given up. */
static int64_t own_server_next_ms(const struct own_server *server) {
    if (server->pinged_ms == 0)
        return server->client.active_ms + server->patience_ms / PATIENCE_ASK_PART;
    return server->pinged_ms + server->patience_ms / (server->has_said ? 1 : PATIENCE_SAY_PART);
}

int own_server_quiet_left(const struct own_server *server) {
    return clock_left(own_server_next_ms(server));
}

static void own_server_say(const struct own_server *server, const char *what) {
    char *text = xasprintf("pycompile-worker: the compile server (pid %ld) %s %g seconds\n", (long)server->pid, what,
                           server->patience_ms / 1000.0);
    stderr_text_print(text);
    free(text);
}

bool own_server_lives(struct own_server *server) {
    if (own_server_quiet_left(server) > 0)
        return true;
    if (server->pinged_ms == 0) {
        rpc_client_queue(&server->client, OWN_SERVER_PING_ID, "status", NULL);
        server->pinged_ms = clock_ms();
    } else if (!server->has_said) {
        own_server_say(server, "does not answer; waiting up to");
        server->has_said = true;
    } else {
        own_server_say(server, "is replaced: it has given no sign of life for");
        return false;
    }
    return true;
}

void own_server_kill(struct own_server *server) {
    (void)kill(server->pid, SIGKILL); /* it may have ended meanwhile */
}

/* Whether the server still runs after that time. Kernels before 5.3 cannot tell: then it is waited for. */
static bool own_server_outlives(const struct own_server *server, int ms) {
    int fd = (int)syscall(SYS_pidfd_open, server->pid, 0);
    if (fd < 0)
        return false;
    struct pollfd polled = {fd, POLLIN, 0};
    int ready = poll(&polled, 1, ms);
    close(fd);
    return ready == 0;
}

void own_server_close(struct own_server *server) {
    if (!server->is_open)
        return;
    rpc_client_deinit(&server->client);
    server->is_open = false;
    if (own_server_outlives(server, LEAVE_MAX_MS))
        kill(server->pid, SIGKILL);
    while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* Kills the processes that are this one's children. Each host leads a process group, in which its own children are.
 * Returns false if the kernel does not list them. */
static bool own_server_kill_children(void) {
    struct buffer list = {0};
    char *path = xasprintf("/proc/self/task/%ld/children", (long)getpid());
    bool listed = io_read_file(AT_FDCWD, path, 0, CHILDREN_LIST_MAX, &list) == 0;
    free(path);
    for (char *at = buffer_string(&list), *end; listed; at = end) {
        long pid = strtol(at, &end, 10);
        if (end == at)
            break;
        (void)kill((pid_t)-pid, SIGKILL);
        (void)kill((pid_t)pid, SIGKILL);
    }
    buffer_deinit(&list);
    return listed;
}

void own_server_end_hosts(void) {
    int how = own_server_kill_children() ? 0 : WNOHANG;
    pid_t pid;
    do
        pid = waitpid(-1, NULL, how);
    while (pid > 0 || (pid < 0 && errno == EINTR));
}
