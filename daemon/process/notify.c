/* See notify.h. */
#include "daemon/process/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/log.h"

/* Fills in the address of $NOTIFY_SOCKET: a path, or '@' and an abstract name. Returns its length, or 0 where it
 * is neither. */
static socklen_t fill_address(const char *name, struct sockaddr_un *address) {
    size_t len = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof address->sun_path)
        return 0;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, name, len);
    if (name[0] == '@')
        address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static int open_socket(const char *name) {
    struct sockaddr_un address;
    socklen_t len = fill_address(name, &address);
    if (len == 0) {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const struct timeval patience = {.tv_sec = 1};
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, len) < 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static void tell(struct notifier *notifier, const char *state, int flags) {
    if (notifier->fd >= 0 && send(notifier->fd, state, strlen(state), MSG_NOSIGNAL | flags) < 0)
        log_line("cannot tell systemd %s: %s", state, strerror(errno));
}

/* How often the watchdog wants to hear of us, in microseconds; 0: not at all. */
static unsigned long long watchdog_us(void) {
    const char *period = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (period == NULL || (pid != NULL && strtoll(pid, NULL, 10) != getpid()))
        return 0;
    return strtoull(period, NULL, 10);
}

static void on_timer(uv_timer_t *timer) {
    tell(timer->data, "WATCHDOG=1", MSG_DONTWAIT); /* the next one is soon enough */
}

void notifier_init(struct notifier *notifier, uv_loop_t *loop) {
    const char *name = getenv("NOTIFY_SOCKET");
    notifier->fd = -1;
    uv_timer_init(loop, &notifier->timer);
    notifier->timer.data = notifier;
    if (name == NULL || *name == '\0')
        return;
    notifier->fd = open_socket(name);
    if (notifier->fd < 0)
        log_line("cannot reach systemd at NOTIFY_SOCKET=%s: %s", name, strerror(errno));
}

void notifier_ready(struct notifier *notifier) {
    tell(notifier, "READY=1", 0);
    unsigned long long period_ms = watchdog_us() / 2000; /* half of it, as sd_watchdog_enabled(3) advises */
    if (notifier->fd >= 0 && period_ms > 0)
        uv_timer_start(&notifier->timer, on_timer, period_ms, period_ms);
}

void notifier_stopping(struct notifier *notifier) {
    tell(notifier, "STOPPING=1", 0);
}

void notifier_close(struct notifier *notifier) {
    uv_close((uv_handle_t *)&notifier->timer, NULL);
    if (notifier->fd >= 0)
        close(notifier->fd);
    notifier->fd = -1;
}
