/* A lock file beside the socket tells a living daemon from a dead one; the socket alone cannot. */
#include "daemon/process/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/paths.h"

/* A process that listens without holding the lock counts as alive if it does not close a new connection in this time.
 */
#define ENDING_MS 500

#define BACKLOG 4096

/* Describes errno in *why and returns it, negative. */
static int listen_fail(char **why, const char *what, const char *path) {
    int error = errno;
    *why = xasprintf("%s %s: %s", what, path, strerror(error));
    return -error;
}

/* Returns 0 or a negative errno value with a message in *why. */
static int listen_make_folder(const char *path, char **why) {
    char *folder = xstrdup(path);
    char *slash = strrchr(folder, '/');
    int result = 0;
    if (slash != NULL && slash != folder) {
        *slash = '\0';
        if (mkdir(folder, 0700) < 0 && errno != EEXIST)
            result = listen_fail(why, "cannot make the folder", folder);
    }
    free(folder);
    return result;
}

bool listen_is_activated(void) {
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    return pid != NULL && count != NULL && strtoll(pid, NULL, 10) == getpid();
}

static bool listen_has_option(int fd, int option, int wanted) {
    int value;
    socklen_t len = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 && value == wanted;
}

/* Whether the descriptor is a Unix stream socket that listens; its name, where it has one, goes to *path. */
static bool listen_is_valid(int fd, char **path) {
    struct sockaddr_un address;
    socklen_t len = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &len) < 0 || address.sun_family != AF_UNIX ||
        !listen_has_option(fd, SO_TYPE, SOCK_STREAM) || !listen_has_option(fd, SO_ACCEPTCONN, 1))
        return false;
    size_t path_len = len - offsetof(struct sockaddr_un, sun_path);
    if (path_len > 0 && address.sun_path[0] == '/')
        *path = xstrndup(address.sun_path, path_len);
    return true;
}

/* The path, independent of the working directory, which the daemon leaves. */
static char *listen_absolute(const char *path) {
    char *cwd = *path == '/' ? NULL : getcwd(NULL, 0);
    char *absolute = cwd == NULL ? xstrdup(path) : xasprintf("%s/%s", cwd, path);
    free(cwd);
    return absolute;
}

/* Takes the socket that systemd passed. Only its folder is checked: the name was chosen by the administrator. */
static enum listen_status listen_take_activated(struct listener *listener, const char *path, char **why) {
    if (strcmp(getenv("LISTEN_FDS"), "1") != 0 || !listen_is_valid(LISTEN_ACTIVATED_FD, &listener->path)) {
        *why = xstrdup("systemd must pass exactly one socket, a Unix stream socket that listens");
        return LISTEN_FAILED;
    }
    if (listener->path != NULL && paths_check_folder(listener->path, why) < 0) {
        free(listener->path);
        listener->path = NULL;
        return LISTEN_FAILED;
    }
    if (listener->path == NULL)
        listener->path = listen_absolute(path);
    fcntl(LISTEN_ACTIVATED_FD, F_SETFD, FD_CLOEXEC);
    fcntl(LISTEN_ACTIVATED_FD, F_SETFL, fcntl(LISTEN_ACTIVATED_FD, F_GETFL) | O_NONBLOCK);
    listener->fd = LISTEN_ACTIVATED_FD;
    listener->activated = true;
    return LISTEN_READY;
}

static bool listen_fill_address(const char *path, struct sockaddr_un *address) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path)
        return false;
    strcpy(address->sun_path, path);
    return true;
}

int listen_prepare_folder(const char *path, char **why) {
    *why = NULL;
    int status = listen_make_folder(path, why);
    return status < 0 ? status : paths_check_folder(path, why) < 0 ? -EACCES : 0;
}

/* Whether the process that first listened on the socket, to which `fd` is connected, is alive. */
static bool listen_peer_lives(int fd) {
    struct ucred peer;
    socklen_t len = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || kill(peer.pid, 0) == 0 || errno != ESRCH;
}

bool listen_probe(const char *path) {
    struct sockaddr_un address;
    int fd = listen_fill_address(path, &address) ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
    if (fd < 0)
        return false;
    /* EAGAIN: a process listens, and its backlog is full. */
    bool connected = connect(fd, (struct sockaddr *)&address, sizeof address) == 0,
         full = !connected && errno == EAGAIN;
    bool there = full || (connected && listen_peer_lives(fd));
    close(fd);
    return there;
}

/* Whether the process that listens there is ending: it may have released its lock and still accept connections, but
 * closes them soon. */
static bool listen_is_ending(const char *path) {
    struct sockaddr_un address;
    int fd = listen_fill_address(path, &address) ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
    if (fd < 0)
        return false;
    struct pollfd p = {fd, POLLRDHUP, 0};
    bool closed = connect(fd, (struct sockaddr *)&address, sizeof address) < 0
                      ? errno == ECONNREFUSED || errno == ENOENT
                      : poll(&p, 1, ENDING_MS) > 0;
    close(fd);
    return closed;
}

/* Takes the lock. Returns its descriptor, -EWOULDBLOCK where another process holds it, or another negative errno value
 * with a message in *why. */
static int listen_take_lock(const char *socket_path, char **why) {
    char *path = paths_lock(socket_path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), status = fd;
    if (fd < 0) {
        status = listen_fail(why, "cannot open the lock", path);
    } else if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        status = errno == EWOULDBLOCK ? -EWOULDBLOCK : listen_fail(why, "cannot lock", path);
        close(fd);
    }
    free(path);
    return status;
}

/* Removes a socket on which no process listens. Any other file of that name is left alone. */
static enum listen_status listen_clear_name(const char *path, char **why) {
    struct stat st;
    if (lstat(path, &st) < 0)
        return LISTEN_READY;
    if (!S_ISSOCK(st.st_mode)) {
        *why = xasprintf("%s exists and is not a socket", path);
        return LISTEN_FAILED;
    }
    if (listen_probe(path) && !listen_is_ending(path))
        return LISTEN_TAKEN;
    if (unlink(path) < 0) {
        listen_fail(why, "cannot remove", path);
        return LISTEN_FAILED;
    }
    return LISTEN_READY;
}

/* Returns 0 or a negative errno value with a message in *why. */
static int listen_bind_socket(struct listener *listener, const char *path, char **why) {
    struct sockaddr_un address;
    struct stat st;
    if (!listen_fill_address(path, &address)) {
        *why = xasprintf("the socket's path is longer than %zu bytes: %s", sizeof address.sun_path - 1, path);
        return -ENAMETOOLONG;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return listen_fail(why, "cannot make a socket for", path);
    mode_t old = umask(0177);
    int bound = bind(fd, (struct sockaddr *)&address, sizeof address);
    umask(old);
    if (bound < 0 || lstat(path, &st) < 0 || listen(fd, BACKLOG) < 0) {
        int error = listen_fail(why, "cannot listen on", path);
        close(fd);
        return error;
    }
    listener->fd = fd;
    listener->device = st.st_dev;
    listener->inode = st.st_ino;
    return 0;
}

enum listen_status listen_acquire(struct listener *listener, const char *path, char **why) {
    *listener = (struct listener){.fd = -1, .lock_fd = -1};
    *why = NULL;
    if (listen_is_activated())
        return listen_take_activated(listener, path, why);
    if (listen_prepare_folder(path, why) < 0)
        return LISTEN_FAILED;
    int lock_fd = listen_take_lock(path, why);
    if (lock_fd < 0)
        return lock_fd == -EWOULDBLOCK ? LISTEN_TAKEN : LISTEN_FAILED;
    enum listen_status status = listen_clear_name(path, why);
    if (status == LISTEN_READY && listen_bind_socket(listener, path, why) < 0)
        status = LISTEN_FAILED;
    if (status != LISTEN_READY) {
        close(lock_fd);
        return status;
    }
    listener->lock_fd = lock_fd;
    listener->path = listen_absolute(path);
    return LISTEN_READY;
}

/* Whether it is a Unix stream socket with a peer. */
static bool listen_is_connection(int fd) {
    struct sockaddr_un peer;
    socklen_t len = sizeof peer;
    return getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && peer.sun_family == AF_UNIX &&
           listen_has_option(fd, SO_TYPE, SOCK_STREAM);
}

int listen_inherit(struct listener *listener, char **why) {
    *listener = (struct listener){.fd = -1, .lock_fd = -1, .connected = true};
    if (!listen_is_connection(STDIN_FILENO)) {
        *why = xstrdup("standard input is not a connected Unix stream socket");
        return -ENOTSOCK;
    }
    listener->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int error = listener->fd < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 ? -errno : 0;
    if (null >= 0)
        close(null);
    if (error == 0 && fcntl(listener->fd, F_SETFL, O_NONBLOCK) < 0)
        error = -errno;
    if (error < 0)
        *why = xasprintf("cannot take the connection: %s", strerror(-error));
    return error;
}

void listen_release(struct listener *listener) {
    struct stat st;
    if (listener->path != NULL && !listener->activated && lstat(listener->path, &st) == 0 &&
        st.st_dev == listener->device && st.st_ino == listener->inode)
        unlink(listener->path);
    if (listener->lock_fd >= 0)
        close(listener->lock_fd);
    free(listener->path);
    *listener = (struct listener){.fd = -1, .lock_fd = -1};
}
