/* Checks of path, folder and peer around connect(). */
#include "client/connect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/paths.h"

/* The time that a daemon with a full backlog has to accept. */
#define ACCEPT_WAIT_MS 10000
#define ACCEPT_POLL_MS 10

bool connect_is_absent(enum connect_status status) {
    return status == CONNECT_NO_PATH || status == CONNECT_NOBODY;
}

/* Checks that it is a socket of this user, in a folder of this user; nothing is sent to any other. */
static enum connect_status check_path(const char *path, char **why) {
    struct stat st;
    int result = paths_check_folder(path, why);
    if (result < 0)
        return result == -ENOENT ? CONNECT_NO_PATH : CONNECT_NOT_PERMITTED;
    if (lstat(path, &st) < 0) {
        int error = errno;
        *why = xasprintf("%s: %s", path, strerror(error));
        return error == ENOENT ? CONNECT_NO_PATH : error == EACCES ? CONNECT_NOT_PERMITTED : CONNECT_FAILED;
    }
    if (!S_ISSOCK(st.st_mode)) {
        *why = xasprintf("%s is not a socket", path);
        return CONNECT_NOT_SOCKET;
    }
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        *why = xasprintf("%s belongs to another user (uid %lu)", path, (unsigned long)st.st_uid);
        return CONNECT_NOT_PERMITTED;
    }
    return CONNECT_OK;
}

/* connect() that waits while the backlog is full (EAGAIN). Returns 0 or an errno value. */
static int connect_waiting(int fd, const struct sockaddr_un *address) {
    int64_t deadline = clock_ms() + ACCEPT_WAIT_MS;
    for (;;) {
        if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0)
            return 0;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN || clock_ms() >= deadline)
            return errno;
        clock_sleep_ms(ACCEPT_POLL_MS);
    }
}

static enum connect_status failed_connect(const char *path, int error, char **why) {
    switch (error) {
    case ENOENT:
        *why = xasprintf("%s: %s", path, strerror(error));
        return CONNECT_NO_PATH;
    case ECONNREFUSED:
        *why = xasprintf("nobody listens on %s", path);
        return CONNECT_NOBODY;
    case EACCES:
    case EPERM:
        *why = xasprintf("not permitted to connect to %s", path);
        return CONNECT_NOT_PERMITTED;
    case EPROTOTYPE:
        *why = xasprintf("%s is not a stream socket", path);
        return CONNECT_NOT_SOCKET;
    case EAGAIN:
        *why = xasprintf("the daemon on %s does not accept connections", path);
        return CONNECT_FAILED;
    default:
        *why = xasprintf("cannot connect to %s: %s", path, strerror(error));
        return CONNECT_FAILED;
    }
}

static enum connect_status check_peer(int fd, const char *path, char **why) {
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
        *why = xasprintf("cannot tell who listens on %s: %s", path, strerror(errno));
        return CONNECT_FAILED;
    }
    if (peer.uid != geteuid() && peer.uid != 0) {
        *why = xasprintf("the process that listens on %s belongs to another user (uid %lu)", path,
                         (unsigned long)peer.uid);
        return CONNECT_NOT_PERMITTED;
    }
    return CONNECT_OK;
}

enum connect_status connect_daemon(const char *socket_path, int *fd, char **why) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *fd = -1;
    *why = NULL;
    if (strlen(socket_path) >= sizeof address.sun_path) {
        *why = xasprintf("the socket's path is longer than %zu bytes: %s", sizeof address.sun_path - 1, socket_path);
        return CONNECT_FAILED;
    }
    strcpy(address.sun_path, socket_path);
    enum connect_status status = check_path(socket_path, why);
    if (status != CONNECT_OK)
        return status;
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sock < 0) {
        *why = xasprintf("cannot make a socket: %s", strerror(errno));
        return CONNECT_FAILED;
    }
    int error = connect_waiting(sock, &address);
    status = error ? failed_connect(socket_path, error, why) : check_peer(sock, socket_path, why);
    if (status != CONNECT_OK) {
        close(sock);
        return status;
    }
    *fd = sock;
    return CONNECT_OK;
}

pid_t connect_peer(int fd) {
    struct ucred peer;
    socklen_t len = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ? 0 : peer.pid;
}
