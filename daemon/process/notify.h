/* Telling systemd how the service does (sd_notify(3)): ready, stopping, alive. Where nobody asked to be told
 * ($NOTIFY_SOCKET is not set) nothing is done. */
#pragma once

#include <uv.h>

struct notifier {
    int fd;           /* connected datagram socket, or -1 */
    uv_timer_t timer; /* of the watchdog */
};

/* Opens the socket that the environment names. Not being able to is logged; the service manager will see. */
void notifier_init(struct notifier *notifier, uv_loop_t *loop);

/* Says that connections are accepted, and from now on, where a watchdog asks for it ($WATCHDOG_USEC), that the
 * loop turns. */
void notifier_ready(struct notifier *notifier);

/* Says that the service is about to end. The watchdog is answered until notifier_close(). */
void notifier_stopping(struct notifier *notifier);

/* Closes the socket and the timer, which is gone after the loop's next turn. */
void notifier_close(struct notifier *notifier);
