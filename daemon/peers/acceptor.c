/* See acceptor.h. */
#include "daemon/peers/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/log.h"

/* Connections taken in one turn of the loop. */
#define ACCEPT_AT_ONCE 64
#define RETRY_MS 100

static int accept_one(const struct acceptor *acceptor) {
    int fd;
    do
        fd = accept4(acceptor->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    return fd;
}

static void reserve(struct acceptor *acceptor) {
    if (acceptor->reserve_fd < 0)
        acceptor->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_retry(uv_timer_t *timer) {
    struct acceptor *acceptor = timer->data;
    reserve(acceptor);
    uv_poll_start(&acceptor->poll, UV_READABLE, on_readable);
}

static void pause_accepting(struct acceptor *acceptor, int error) {
    log_line("accept: %s; trying again in %d ms", strerror(error), RETRY_MS);
    uv_poll_stop(&acceptor->poll);
    uv_timer_start(&acceptor->retry, on_retry, RETRY_MS, 0);
}

/* Takes a connection in place of the reserve. Returns whether that went well. */
static bool shed_one(struct acceptor *acceptor) {
    if (acceptor->reserve_fd < 0)
        return false;
    close(acceptor->reserve_fd);
    acceptor->reserve_fd = -1;
    int fd = accept_one(acceptor);
    int error = errno;
    if (fd >= 0)
        acceptor->events->overflow(acceptor, fd);
    reserve(acceptor);
    errno = error;
    return fd >= 0 || error == EAGAIN;
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    struct acceptor *acceptor = poll->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPT_AT_ONCE && !uv_is_closing((uv_handle_t *)poll); i++) {
        int fd = accept_one(acceptor);
        if (fd >= 0) {
            acceptor->events->accepted(acceptor, fd);
        } else if (errno == EAGAIN) {
            return;
        } else if ((errno != EMFILE && errno != ENFILE) || !shed_one(acceptor)) {
            pause_accepting(acceptor, errno);
            return;
        }
    }
}

int acceptor_init(struct acceptor *acceptor, uv_loop_t *loop, int fd, const struct acceptor_events *events) {
    *acceptor = (struct acceptor){.events = events, .fd = fd, .reserve_fd = -1};
    int status = uv_poll_init(loop, &acceptor->poll, fd);
    uv_timer_init(loop, &acceptor->retry);
    acceptor->poll.data = acceptor->retry.data = acceptor;
    reserve(acceptor);
    return status < 0 ? status : uv_poll_start(&acceptor->poll, UV_READABLE, on_readable);
}

void acceptor_close(struct acceptor *acceptor) {
    uv_close((uv_handle_t *)&acceptor->poll, NULL);
    uv_close((uv_handle_t *)&acceptor->retry, NULL);
    close(acceptor->fd);
    if (acceptor->reserve_fd >= 0)
        close(acceptor->reserve_fd);
}
