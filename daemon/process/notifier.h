/* Messages to systemd about the service's state (sd_notify(3)): ready, stopping, alive. Without $NOTIFY_SOCKET nothing
 * is sent. */
#pragma once

#include <stdbool.h>

#include <uv.h>

struct notifier {
    int fd;           /* connected datagram socket, or -1 */
    char *status;     /* that was sent last, or NULL */
    uv_timer_t timer; /* of the watchdog */
    bool (*progresses)(struct notifier *notifier);
};

/* Opens the socket that the environment names. A failure is logged and otherwise ignored: the service manager notices
 * that no message comes. `progresses` is asked before each message to the watchdog, whether the loop has made progress
 * since the last one, or had nothing to do; if not, no message is sent. */
void notifier_init(struct notifier *notifier, uv_loop_t *loop, bool (*progresses)(struct notifier *notifier));

/* Reports that connections are accepted. From now on it also reports that the loop makes progress, if a watchdog asks
 * for that ($WATCHDOG_USEC). */
void notifier_ready(struct notifier *notifier);

/* Reports that the service is about to end. The watchdog is answered until notifier_close(). */
void notifier_stopping(struct notifier *notifier);

/* Reports a line for `systemctl status`, which is copied, unless it is the one that was reported last. */
void notifier_status(struct notifier *notifier, const char *text);

/* Closes the socket and the timer, which is gone after the loop's next turn. */
void notifier_close(struct notifier *notifier);
