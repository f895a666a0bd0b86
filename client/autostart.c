/* Connect, start, connect again, until the deadline. */
#include "client/autostart.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/build_id.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/place.h"
#include "client/connect.h"
#include "client/daemon_check.h"

#define START_DEADLINE_MS 30000
/* The wait before another try, after a daemon has reported that one is reachable: a daemon that is leaving may still
 * hold the socket. */
#define RETRY_MS 20
#define LOG_LINES 10
#define LOG_TAIL 8192
#define OUTPUT_MAX 65536
/* Digits of the build's hash in the name of a socket of its own. */
#define BUILD_DIGITS 8

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

/* Runs `pycompiled --background`. Returns 0 once it says that a daemon is reachable, else a negative errno value and
 * *why. */
static int autostart_run(const struct autostart *autostart, int64_t deadline, char **why) {
    const char *socket_path = autostart->path;
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
    const char *const argv[] = {program, "--background", "--socket", socket_path, NULL};
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
static bool autostart_is_forbidden(const struct autostart *autostart) {
    const char *value = getenv("PYCOMPILED_AUTOSTART");
    return autostart->when != AUTOSTART_ALWAYS && value != NULL && strcmp(value, "0") == 0;
}

char *autostart_own_path(const char *socket_path) {
    const char *hash = strchr(build_id, '+');
    char *suffix = xstrndup(hash ? hash + 1 : build_id, BUILD_DIGITS);
    char *path = paths_sibling(socket_path, suffix);
    free(suffix);
    return path;
}

void autostart_deinit(struct autostart *autostart) {
    free(autostart->path);
    free(autostart->notice);
    autostart->path = autostart->notice = NULL;
}

/* The attempts of one call. */
struct attempts {
    pid_t dismissed; /* a daemon that was asked to leave: it may hold the socket for a moment; 0: none */
    bool apart;      /* this build's own socket is in use */
};

/* Whether a daemon listens there. */
static bool autostart_has_daemon(const char *path) {
    char *why;
    int fd;
    enum connect_status status = connect_daemon(path, &fd, &why);
    if (status == CONNECT_OK)
        close(fd);
    free(why);
    return status == CONNECT_OK;
}

/* FNV-1a. */
static uint32_t autostart_hash(const char *text) {
    uint32_t hash = 2166136261u;
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

/* Whether a daemon can be started. */
static bool autostart_can_start(void) {
    char *program = paths_program("pycompiled", false);
    bool can = program != NULL && !autostart_is_forbidden(&(struct autostart){.when = AUTOSTART_DEFAULT});
    free(program);
    return can;
}

char *autostart_namespace_path(const char *socket_path, const char *theirs) {
    char *ours = place_namespace(), suffix[16], *path = NULL;
    snprintf(suffix, sizeof suffix, "%08x", autostart_hash(ours));
    if (strcmp(ours, theirs) != 0)
        path = paths_sibling(socket_path, suffix);
    free(ours);
    if (path != NULL && !autostart_can_start() && !autostart_has_daemon(path)) {
        free(path);
        path = NULL;
    }
    return path;
}

/* From here on this build's own socket is used. */
static void autostart_move(struct autostart *autostart, struct attempts *attempts) {
    free(autostart->path);
    autostart->path = autostart_own_path(autostart->socket_path);
    attempts->apart = true;
}

static enum daemon_verdict autostart_judge(struct autostart *autostart, struct attempts *attempts, pid_t peer) {
    if (autostart_is_forbidden(autostart))
        return DAEMON_SERVES;
    if (attempts->dismissed != 0 && peer == attempts->dismissed)
        return DAEMON_LEAVES;
    free(autostart->notice);
    enum daemon_verdict verdict = daemon_check(autostart->path, peer, &autostart->notice);
    if (verdict == DAEMON_APART)
        return attempts->apart ? DAEMON_SERVES : DAEMON_APART;
    /* Not more than one a call: the successor may be another client's, and that client may be hindered, too. */
    bool may_dismiss =
        attempts->dismissed == 0 && autostart->when != AUTOSTART_AGAIN && autostart->when != AUTOSTART_LOOK;
    if (verdict != DAEMON_LEAVES || !may_dismiss)
        return DAEMON_SERVES;
    attempts->dismissed = peer;
    daemon_check_dismiss(autostart->path, peer);
    return DAEMON_LEAVES;
}

/* Connects to autostart->path. Returns a socket, or a negative errno value and a message; -ENOENT: there is no daemon
 * yet, or one that leaves. */
static int autostart_try_path(struct autostart *autostart, struct attempts *attempts, char **why) {
    int fd;
    enum connect_status status = connect_daemon(autostart->path, &fd, why);
    if (status != CONNECT_OK)
        return connect_is_absent(status) ? -ENOENT : -ENOTCONN;
    enum daemon_verdict verdict = autostart_judge(autostart, attempts, connect_peer(fd));
    if (verdict == DAEMON_SERVES)
        return fd;
    close(fd);
    if (verdict == DAEMON_APART) {
        autostart_move(autostart, attempts);
        return autostart_try_path(autostart, attempts, why);
    }
    *why = xasprintf("the daemon on %s was asked to leave, and does not", autostart->path);
    return -ENOENT;
}

/* Whether a daemon of this build listens on a socket of its own, since the shared one was another installation's. */
static bool autostart_is_apart(const struct autostart *autostart) {
    char *path = autostart_own_path(autostart->socket_path);
    bool apart = autostart_has_daemon(path);
    free(path);
    return apart;
}

/* The same, and also looks for a daemon on this build's own socket. */
static int autostart_try(struct autostart *autostart, struct attempts *attempts, char **why) {
    int fd = autostart_try_path(autostart, attempts, why);
    if (fd != -ENOENT || attempts->apart || attempts->dismissed != 0 || !autostart_is_apart(autostart))
        return fd;
    free(*why);
    autostart_move(autostart, attempts);
    return autostart_try_path(autostart, attempts, why);
}

/* Whether there is a reason to start none. Then *why is NULL or a message. */
static bool autostart_is_over(const struct autostart *autostart, const struct attempts *attempts, int64_t deadline,
                              char **why) {
    bool running_only =
        autostart->when == AUTOSTART_LOOK || (autostart->when == AUTOSTART_RUNNING && attempts->dismissed == 0);
    if (!running_only && !autostart_is_forbidden(autostart))
        return clock_left(deadline) == 0;
    free(*why);
    *why = running_only ? NULL
                        : xasprintf("no daemon listens on %s, and PYCOMPILED_AUTOSTART=0 forbids "
                                    "starting one",
                                    autostart->socket_path);
    return true;
}

int autostart_connect(struct autostart *autostart, char **why) {
    int64_t deadline = clock_ms() + START_DEADLINE_MS;
    struct attempts attempts = {0};
    autostart->path = xstrdup(autostart->socket_path);
    autostart->notice = NULL;
    autostart->started = false;
    for (;;) {
        int fd = autostart_try(autostart, &attempts, why);
        if (fd != -ENOENT)
            return fd;
        if (autostart_is_over(autostart, &attempts, deadline, why))
            return *why != NULL ? -ENOTCONN : -ENOENT;
        free(*why);
        *why = NULL;
        int result = autostart_run(autostart, deadline, why);
        if (result < 0)
            return -ENOTCONN;
        fd = autostart_try(autostart, &attempts, why);
        if (fd >= 0) {
            autostart->started = true;
            return fd;
        }
        free(*why);
        *why = NULL;
        clock_sleep_ms(RETRY_MS);
    }
}
