/* Connect, start, connect again, until the deadline. */
#include "client/autostart.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/paths.h"
#include "client/build_check.h"
#include "client/connect.h"

#define START_DEADLINE_MS 30000
/* The wait before another try, after a daemon has reported that one is reachable: a daemon that is leaving may still
 * hold the socket. */
#define RETRY_MS 20
#define LOG_LINES 10
#define LOG_TAIL 8192
#define OUTPUT_MAX 65536

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
    if (status < 0)
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

/* Runs `pycompiled --background`. Returns 0 once it says that a daemon is reachable, else a negative value and *why. */
static int autostart_run(const char *socket_path, int64_t deadline, char **why) {
    char *program = paths_program("pycompiled", false);
    if (program == NULL) {
        *why = xasprintf("no daemon listens on %s, and the program pycompiled is not found beside "
                         "this one",
                         socket_path);
        return -ENOENT;
    }
    char *real = realpath(program, NULL);
    if (real != NULL) {
        free(program);
        program = real;
    }
    struct buffer said = {0};
    const char *const argv[] = {program, "--background", NULL};
    int status = io_run(&(struct io_program){.path = program,
                                             .argv = argv,
                                             .read_fd = STDERR_FILENO,
                                             .limit = OUTPUT_MAX,
                                             .deadline = deadline,
                                             .wake_fd = -1},
                        &said);
    if (status < 0 && status != -ETIMEDOUT)
        *why = xasprintf("cannot run %s: %s", program, strerror(-status));
    else if (status != 0)
        *why = start_failure(socket_path, program, status, &said);
    buffer_deinit(&said);
    free(program);
    return status == 0 ? 0 : -EIO;
}

/* Whether no daemon may be started. */
static bool is_forbidden(enum autostart autostart) {
    const char *value = getenv("PYCOMPILED_AUTOSTART");
    return autostart != AUTOSTART_ALWAYS && value != NULL && strcmp(value, "0") == 0;
}

/* A daemon of another build was asked to leave: it may hold the socket for a moment, and a second one is not fought. */
struct replacement {
    pid_t dismissed; /* 0: none */
};

/* Whether the daemon at the other end is to serve. If not, it is asked to leave, once. */
static bool autostart_accepts(const char *socket_path, enum autostart autostart, int fd,
                              struct replacement *replacement) {
    pid_t peer = connect_peer(fd);
    if (replacement->dismissed != 0)
        return peer != replacement->dismissed;
    if (autostart == AUTOSTART_AGAIN || is_forbidden(autostart) || !build_check_is_other(socket_path, peer))
        return true;
    replacement->dismissed = peer;
    build_check_dismiss(socket_path, peer);
    return false;
}

/* Connects to a daemon of this build. As connect_daemon(), and CONNECT_NOBODY while another one leaves. */
static enum connect_status autostart_try(const char *socket_path, enum autostart autostart,
                                         struct replacement *replacement, int *fd, char **why) {
    enum connect_status status = connect_daemon(socket_path, fd, why);
    if (status != CONNECT_OK || autostart_accepts(socket_path, autostart, *fd, replacement))
        return status;
    close(*fd);
    *why = xasprintf("the daemon on %s is of another build, and does not leave", socket_path);
    return CONNECT_NOBODY;
}

int autostart_connect(const char *socket_path, enum autostart autostart, bool *started, char **why) {
    int64_t deadline = clock_ms() + START_DEADLINE_MS;
    struct replacement replacement = {0};
    int fd;
    if (started != NULL)
        *started = false;
    for (;;) {
        enum connect_status status = autostart_try(socket_path, autostart, &replacement, &fd, why);
        if (status == CONNECT_OK)
            return fd;
        if (!connect_is_absent(status))
            return -1;
        if (is_forbidden(autostart)) {
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
        if (autostart_run(socket_path, deadline, why) < 0)
            return -1;
        status = autostart_try(socket_path, autostart, &replacement, &fd, why);
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
