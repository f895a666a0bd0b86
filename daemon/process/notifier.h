/* Messages to systemd about the service's state (sd_notify(3)): ready, stopping, alive. Without $NOTIFY_SOCKET nothing
 * is sent. */
#pragma once

#include <uv.h>

struct notifier {
    int fd;           /* connected datagram socket, or -1 */
    uv_timer_t timer; /* of the watchdog */
};

/* Opens the socket that the environment names. A failure is logged and otherwise ignored: the service manager notices
 * that no message comes. */
void notifier_init(struct notifier *notifier, uv_loop_t *loop);

/* Reports that connections are accepted. From now on it also reports that the loop turns, if a watchdog asks for that
 * ($WATCHDOG_USEC). */
void notifier_ready(struct notifier *notifier);

/* Reports that the service is about to end. The watchdog is answered until notifier_close(). */
void notifier_stopping(struct notifier *notifier);

/* Closes the socket and the timer, which is gone after the loop's next turn. */
void notifier_close(struct notifier *notifier);
