/* See autostart.h. */
#include "client/autostart.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/paths.h"
#include "client/connect.h"

#define START_DEADLINE_MS 30000
/* After the daemon's word that one is reachable: a daemon that leaves may still be in the way. */
#define RETRY_MS 20
#define WAIT_STEP_MS 20
#define LOG_LINES 10
#define LOG_TAIL 8192
#define OUTPUT_MAX 65536

/* Appends what is readable; false at the end of file. */
static bool drain(int fd, struct buffer *out) {
    char *room = buffer_reserve(out, 4096);
    ssize_t len = read(fd, room, 4096);
    if (len > 0 && out->len < OUTPUT_MAX)
        out->len += (size_t)len;
    return len > 0 || (len < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Waits for the starter, reading what it says. Returns its wait status, or -1 past the deadline. */
static int await_exit(pid_t pid, int fd, int64_t deadline, struct buffer *said) {
    bool open = true;
    for (;;) {
        int status;
        pid_t done = waitpid(pid, &status, WNOHANG);
        if (done == pid || (done < 0 && errno != EINTR)) {
            for (struct pollfd p = {fd, POLLIN, 0}; open && poll(&p, 1, 0) > 0;)
                open = drain(fd, said);
            return done == pid ? status : 0;
        }
        if (clock_left(deadline) == 0) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return -1;
        }
        struct pollfd readable = {fd, POLLIN, 0};
        if (!open)
            clock_sleep_ms(1);
        else if (poll(&readable, 1, WAIT_STEP_MS) > 0)
            open = drain(fd, said);
    }
}

/* Standard input and output are nothing, standard error is the pipe; signals are as a shell has
 * them, whatever this process ignores. */
static int spawn_starter(const char *program, int stderr_fd, pid_t *pid) {
    char *const argv[] = {(char *)program, (char *)"--background", NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGCHLD);
    sigaddset(&defaults, SIGINT);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, stderr_fd, STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setsigmask(&attributes, &none);
    int error = posix_spawn(pid, program, &files, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

/* Appends the last lines of the daemon's log, if there is one. */
static void append_log(const char *socket_path, struct buffer *out) {
    char *path = paths_log(socket_path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
    char tail[LOG_TAIL];
    ssize_t len = 0;
    if (size > 0)
        len = pread(fd, tail, sizeof tail, size > LOG_TAIL ? size - LOG_TAIL : 0);
    if (fd >= 0)
        close(fd);
    if (len > 0) {
        const char *end = tail + len, *at = end - (end[-1] == '\n');
        for (int lines = 0; at > tail && (at[-1] != '\n' || ++lines < LOG_LINES);)
            at--;
        buffer_printf(out, "\nlast lines of %s:\n%.*s", path, (int)(end - at), at);
    }
    free(path);
}

static char *start_failure(const char *socket_path, const char *program, int status, struct buffer *said) {
    struct buffer text = {0};
    if (status == -1)
        buffer_printf(&text, "%s did not come up in %d seconds", program, START_DEADLINE_MS / 1000);
    else if (WIFSIGNALED(status))
        buffer_printf(&text, "%s was killed by signal %d", program, WTERMSIG(status));
    else
        buffer_printf(&text, "%s failed (exit status %d)", program, WEXITSTATUS(status));
    if (said->len > 0) {
        buffer_append_string(&text, ":\n");
        buffer_append(&text, said->data, said->len);
    }
    while (text.len > 0 && text.data[text.len - 1] == '\n')
        text.len--;
    append_log(socket_path, &text);
    while (text.len > 0 && text.data[text.len - 1] == '\n')
        text.len--;
    buffer_string(&text);
    return text.data;
}

/* Runs `pycompiled --background`. Returns 0 where it says that a daemon is reachable. */
static int start(const char *socket_path, int64_t deadline, char **why) {
    char *program = paths_program("pycompiled", false);
    if (program == NULL) {
        *why = xasprintf("no daemon listens on %s, and the program pycompiled is not found beside "
                         "this one",
                         socket_path);
        return -1;
    }
    char *real = realpath(program, NULL);
    if (real != NULL) {
        free(program);
        program = real;
    }
    int ends[2], result = -1;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        *why = xasprintf("cannot make a pipe: %s", strerror(errno));
        free(program);
        return -1;
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    signal(SIGCHLD, SIG_DFL);
    struct buffer said = {0};
    pid_t pid;
    int error = spawn_starter(program, ends[1], &pid);
    close(ends[1]);
    if (error != 0) {
        *why = xasprintf("cannot run %s: %s", program, strerror(error));
    } else {
        int status = await_exit(pid, ends[0], deadline, &said);
        if (status == 0)
            result = 0;
        else
            *why = start_failure(socket_path, program, status, &said);
    }
    close(ends[0]);
    buffer_deinit(&said);
    free(program);
    return result;
}

static bool turned_off(void) {
    const char *value = getenv("PYCOMPILED_AUTOSTART");
    return value != NULL && strcmp(value, "0") == 0;
}

int autostart_connect(const char *socket_path, enum autostart autostart, bool *started, char **why) {
    int64_t deadline = clock_ms() + START_DEADLINE_MS;
    int fd;
    if (started != NULL)
        *started = false;
    for (;;) {
        enum connect_status status = connect_daemon(socket_path, &fd, why);
        if (status == CONNECT_OK)
            return fd;
        if (!connect_is_absent(status))
            return -1;
        if (autostart == AUTOSTART_DEFAULT && turned_off()) {
            free(*why);
            *why = xasprintf("no daemon listens on %s, and PYCOMPILED_AUTOSTART=0 forbids "
                             "starting one",
                             socket_path);
            return -1;
        }
        if (clock_left(deadline) == 0)
            return -1;
        free(*why);
        *why = NULL;
        if (start(socket_path, deadline, why) < 0)
            return -1;
        status = connect_daemon(socket_path, &fd, why);
        if (status == CONNECT_OK) {
            if (started != NULL)
                *started = true;
            return fd;
        }
        free(*why);
        *why = NULL;
        clock_sleep_ms(RETRY_MS);
    }
}
