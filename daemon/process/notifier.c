/* The protocol of sd_notify(3) by hand: a datagram of NAME=VALUE. */
#include "daemon/process/notifier.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buffer.h"
#include "daemon/log.h"

/* Fills in the address of $NOTIFY_SOCKET: a path, or '@' and an abstract name. Returns its length, or -EINVAL where it
 * is neither. */
static int notifier_fill_address(const char *name, struct sockaddr_un *address) {
    size_t len = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof address->sun_path)
        return -EINVAL;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, name, len);
    if (name[0] == '@')
        address->sun_path[0] = '\0';
    return (int)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* Returns a connected descriptor or a negative errno value. */
static int notifier_open_socket(const char *name) {
    struct sockaddr_un address;
    const struct timeval patience = {.tv_sec = 1};
    int len = notifier_fill_address(name, &address);
    int fd = len < 0 ? len : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return len < 0 ? len : -errno;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, (socklen_t)len) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

static void notifier_tell(struct notifier *notifier, const char *state, int flags) {
    if (notifier->fd >= 0 && send(notifier->fd, state, strlen(state), MSG_NOSIGNAL | flags) < 0)
        log_line("cannot tell systemd %s: %s", state, strerror(errno));
}

/* The watchdog's period in microseconds; 0: there is no watchdog. */
static unsigned long long notifier_period_us(void) {
    const char *period = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (period == NULL || (pid != NULL && strtoll(pid, NULL, 10) != getpid()))
        return 0;
    return strtoull(period, NULL, 10);
}

static void notifier_on_timer(uv_timer_t *timer) {
    struct notifier *notifier = timer->data;
    if (!notifier->progresses(notifier)) {
        log_line("the loop turns without making progress: the watchdog is not told that it is alive");
        return;
    }
    notifier_tell(notifier, "WATCHDOG=1", MSG_DONTWAIT); /* never blocks the loop: the next one is soon enough */
}

void notifier_init(struct notifier *notifier, uv_loop_t *loop, bool (*progresses)(struct notifier *notifier)) {
    const char *name = getenv("NOTIFY_SOCKET");
    notifier->fd = -1;
    notifier->status = NULL;
    notifier->progresses = progresses;
    uv_timer_init(loop, &notifier->timer);
    notifier->timer.data = notifier;
    if (name == NULL || *name == '\0')
        return;
    int fd = notifier_open_socket(name);
    if (fd < 0)
        log_line("cannot reach systemd at NOTIFY_SOCKET=%s: %s", name, strerror(-fd));
    notifier->fd = fd < 0 ? -1 : fd;
}

void notifier_ready(struct notifier *notifier) {
    notifier_tell(notifier, "READY=1", 0);
    unsigned long long period_ms = notifier_period_us() / 2000; /* half of it, as sd_watchdog_enabled(3) advises */
    if (notifier->fd >= 0 && period_ms > 0)
        uv_timer_start(&notifier->timer, notifier_on_timer, period_ms, period_ms);
}

void notifier_stopping(struct notifier *notifier) {
    notifier_tell(notifier, "STOPPING=1", 0);
}

void notifier_status(struct notifier *notifier, const char *text) {
    if (notifier->fd < 0 || (notifier->status != NULL && strcmp(notifier->status, text) == 0))
        return;
    free(notifier->status);
    notifier->status = xstrdup(text);
    char *state = xasprintf("STATUS=%s", text);
    notifier_tell(notifier, state, MSG_DONTWAIT);
    free(state);
}

void notifier_close(struct notifier *notifier) {
    uv_close((uv_handle_t *)&notifier->timer, NULL);
    if (notifier->fd >= 0)
        close(notifier->fd);
    notifier->fd = -1;
    free(notifier->status);
    notifier->status = NULL;
}
