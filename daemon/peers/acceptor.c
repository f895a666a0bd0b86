/* accept4(2) by uv_poll, with one descriptor kept in reserve. */
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

/* Returns a descriptor, or a negative errno value. */
static int acceptor_accept(const struct acceptor *acceptor) {
    int fd;
    do
        fd = accept4(acceptor->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    return fd < 0 ? -errno : fd;
}

static void acceptor_reserve(struct acceptor *acceptor) {
    if (acceptor->reserve_fd < 0)
        acceptor->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void acceptor_on_readable(uv_poll_t *poll, int status, int events);

static void acceptor_on_retry(uv_timer_t *timer) {
    struct acceptor *acceptor = timer->data;
    acceptor_reserve(acceptor);
    uv_poll_start(&acceptor->poll, UV_READABLE, acceptor_on_readable);
}

static void acceptor_pause(struct acceptor *acceptor, int error) {
    log_line("accept: %s; trying again in %d ms", strerror(error), RETRY_MS);
    uv_poll_stop(&acceptor->poll);
    uv_timer_start(&acceptor->retry, acceptor_on_retry, RETRY_MS, 0);
}

/* Takes a connection in place of the reserve, for it to be refused. Returns 0 or a negative errno value. */
static int acceptor_shed_one(struct acceptor *acceptor) {
    if (acceptor->reserve_fd < 0)
        return -EMFILE;
    close(acceptor->reserve_fd);
    acceptor->reserve_fd = -1;
    int fd = acceptor_accept(acceptor);
    if (fd >= 0)
        acceptor->events->overflow(acceptor, fd);
    acceptor_reserve(acceptor);
    return fd >= 0 || fd == -EAGAIN ? 0 : fd;
}

static void acceptor_on_readable(uv_poll_t *poll, int status, int events) {
    struct acceptor *acceptor = poll->data;
    for (int i = 0; i < ACCEPT_AT_ONCE && !uv_is_closing((uv_handle_t *)poll); i++) {
        int fd = acceptor_accept(acceptor);
        if (fd >= 0)
            acceptor->events->accepted(acceptor, fd);
        else if (fd == -EAGAIN)
            return;
        else if (fd == -EMFILE || fd == -ENFILE)
            fd = acceptor_shed_one(acceptor);
        if (fd < 0) {
            acceptor_pause(acceptor, -fd);
            return;
        }
    }
}

int acceptor_init(struct acceptor *acceptor, uv_loop_t *loop, int fd, const struct acceptor_events *events) {
    *acceptor = (struct acceptor){.events = events, .fd = fd, .reserve_fd = -1};
    int status = uv_poll_init(loop, &acceptor->poll, fd);
    uv_timer_init(loop, &acceptor->retry);
    acceptor->poll.data = acceptor->retry.data = acceptor;
    acceptor_reserve(acceptor);
    return status < 0 ? status : uv_poll_start(&acceptor->poll, UV_READABLE, acceptor_on_readable);
}

void acceptor_close(struct acceptor *acceptor) {
    uv_close((uv_handle_t *)&acceptor->poll, NULL);
    uv_close((uv_handle_t *)&acceptor->retry, NULL);
    close(acceptor->fd);
    if (acceptor->reserve_fd >= 0)
        close(acceptor->reserve_fd);
}
